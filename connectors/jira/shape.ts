import { z } from "zod";
import type { Log } from "../../core/ports.ts";

// jira.js passes on what it does not recognise; an answer without its list is no answer, never an empty list.
export const Issues = z.looseObject({
  issues: z.array(
    z.looseObject({ id: z.string(), key: z.string(), fields: z.record(z.string(), z.unknown()).optional() }),
  ),
  issueErrors: z.array(z.unknown()).optional(),
});
const IssueError = z.looseObject({ id: z.coerce.string() });
export const Checked = z.looseObject({ fields: z.looseObject({ updated: z.string() }) });
export const Comments = z.looseObject({
  comments: z.array(z.looseObject({ body: z.unknown() })),
  /** Of all comments of the issue. */
  total: z.int().nonnegative().optional(),
  /** What the site kept the page to, which may be fewer than were asked for. */
  maxResults: z.int().optional(),
});
/** The account that we run as, of which only its being there matters. */
export const Account = z.looseObject({ self: z.string().min(1) });
/** Cloud names people by account id, Data Center by name; the history of the latter by key. */
export const Users = z.array(
  z.looseObject({
    accountId: z.string().optional(),
    key: z.string().optional(),
    name: z.string().optional(),
    active: z.boolean().optional(),
    emailAddress: z.string().optional(),
    displayName: z.string().optional(),
  }),
);

export type User = z.infer<typeof Users>[number];

/** The users that show this e-mail address. */
export function withEmail(users: readonly User[], email: string): User[] {
  return users.filter(({ emailAddress }) => emailAddress?.toLowerCase() === email.toLowerCase());
}

/** The project of an issue key. */
export function projectOf(key: string): string {
  return key.slice(0, key.lastIndexOf("-"));
}

/** Ids of issues that Jira could not read just now; an empty one where it does not say which. */
export function unreadIds(errors: readonly unknown[]): Set<string> {
  return new Set(errors.map((error) => IssueError.safeParse(error).data?.id ?? ""));
}

const MISMATCHES_MAX = 100;

/** Says where and of what type, never what it said; once per place, since a drift repeats itself in every answer. */
export function mismatchLog(connection: string, log: Log): (report: { issues: readonly { path: string }[] }) => void {
  const known = new Set<string>();
  return ({ issues }) => {
    for (const { path } of issues.slice(0, 5)) {
      const place = path.replace(/(^|\.)\d+(?=\.|$)/g, "$1*");
      if (known.has(place) || known.size >= MISMATCHES_MAX) continue;
      known.add(place);
      log.warn("Jira answered in a form that jira.js does not know", { connection, place });
    }
  };
}

/** Puts a value at a path; two paths into one field (a cascading select and its child) stand side by side. */
export function place(fields: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [first = "", ...rest] = path;
  if (rest.length === 0) {
    fields[first] = value;
    return;
  }
  const there = fields[first];
  const inner: Record<string, unknown> = there !== null && typeof there === "object" ? { ...there } : {};
  place(inner, rest, value);
  fields[first] = inner;
}
