import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import { type CloudClient, type IssueRef, issueIdOf, type JiraCaller, type Pace, reworded } from "./caller.ts";

/** Jira itself stops at this many links of an issue. */
const LINKS_MAX = 2_000;

const short = z.string().min(1).max(255);

/** A link from an issue to something outside Jira, known again by its `globalId`. */
export const RemoteLink = z.strictObject({
  globalId: short,
  url: z.url({ protocol: /^https?$/ }).max(2_000),
  title: short,
  summary: short.optional(),
  /** How the issue stands to it; Jira puts in words of its own where we give none. */
  relationship: short,
});
export type RemoteLink = z.infer<typeof RemoteLink>;

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined);
const Found = z.looseObject({
  id: z.number(),
  globalId: text,
  relationship: text,
  object: z.looseObject({ url: z.string(), title: z.string(), summary: text }),
});
type Found = z.infer<typeof Found>;
const Links = z.array(Found).max(LINKS_MAX);
const Written = z.looseObject({ id: z.number() });

export interface LinkOptions {
  caller: JiraCaller;
  pace: Pace;
  remoteLinks: Pick<CloudClient["issueRemoteLinks"], "getRemoteIssueLinks" | "createOrUpdateRemoteIssueLink">;
}

/** `kept`: it is there, and somebody else has changed it, so it stays as it is. */
export type LinkResult = "created" | "updated" | "unchanged" | "kept";

/**
 * Reads our link back by its global id: what stands there, or undefined for certain.
 *
 * Throws ConnectorError; `protocol` where two links bear the id, which Jira does not let happen.
 */
export async function findLink(options: LinkOptions, ref: IssueRef, globalId: string): Promise<RemoteLink | undefined> {
  const found = await read(options, ref, globalId);
  return found && shown(found, globalId);
}

/**
 * Puts a link on an issue, once: one that bears the global id is brought up to date, never doubled. `last` is what we
 * put there before; a link that is neither that nor the new one was edited by a person and is left alone. It may be
 * asked again after an unknown outcome: it looks first.
 *
 * Throws ConnectorError: `rejected` for a link that Jira would not take, else as its call ended.
 */
export async function putLink(
  options: LinkOptions,
  ref: IssueRef,
  link: RemoteLink,
  last?: RemoteLink,
): Promise<LinkResult> {
  const { caller, remoteLinks, pace } = options;
  const { connection } = caller;
  const issueIdOrKey = issueIdOf(connection, ref);
  const { globalId, url, title, summary, relationship } = checked(connection, ref, link);
  const before = await read(options, ref, globalId);
  if (before) {
    const there = shown(before, globalId);
    if (same(there, link)) return "unchanged";
    if (last === undefined || !same(there, last)) return "kept";
  }
  // What is left out is emptied by Jira, so an update says everything again.
  const object = { url, title, ...(summary !== undefined && { summary }) };
  const request = { issueIdOrKey, globalId, object, relationship };
  const write = () => caller.ask("link", Written, () => remoteLinks.createOrUpdateRemoteIssueLink(request));
  const { id } = await permitted(ref, connection, () => pace.turn(issueIdOrKey, write));
  if (before && id !== before.id) throw doubled(connection, ref);
  const after = await findLink(options, ref, globalId).catch((error: unknown) => {
    // The question changed nothing, yet the link it asks about was written.
    throw error instanceof ConnectorError ? reworded(error, error.message, "unknown") : error;
  });
  if (after === undefined || !same(after, link)) throw notTaken(connection, ref);
  return before ? "updated" : "created";
}

async function read({ caller, remoteLinks }: LinkOptions, ref: IssueRef, globalId: string): Promise<Found | undefined> {
  const issueIdOrKey = issueIdOf(caller.connection, ref);
  // All of them: asked for one id, Jira answers 404 both for a missing link and for an issue that we may not see.
  const links = await caller.ask("read_links", Links, () => remoteLinks.getRemoteIssueLinks({ issueIdOrKey }));
  const ours = links.filter((link) => link.globalId === globalId);
  if (ours.length > 1) throw doubled(caller.connection, ref);
  return ours[0];
}

function shown({ object, relationship }: Found, globalId: string): RemoteLink {
  const { url, title, summary } = object;
  return {
    globalId,
    url,
    title,
    ...(summary !== undefined && summary !== "" && { summary }),
    relationship: relationship ?? "",
  };
}

function same(a: RemoteLink, b: RemoteLink): boolean {
  return a.url === b.url && a.title === b.title && a.summary === b.summary && a.relationship === b.relationship;
}

function checked(connection: string, { key }: IssueRef, link: RemoteLink): RemoteLink {
  const parsed = RemoteLink.safeParse(link);
  if (parsed.success) return parsed.data;
  const places = [...new Set(parsed.error.issues.map(({ path }) => path.join(".")))].join(", ");
  const message = `a link for ${key} of ${connection} is not one Jira takes (${places}): texts have 1 to 255 characters, addresses begin with http`;
  throw new ConnectorError({ kind: "rejected", connection, message });
}

async function permitted<T>({ key }: IssueRef, connection: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.status !== 403) throw error;
    throw reworded(error, `${key} of ${connection} got no link: the integration account needs Link issues`);
  }
}

function doubled(connection: string, { key }: IssueRef): ConnectorError {
  const message = `${key} of ${connection} bears two links with one global id; remove one of them by hand`;
  return new ConnectorError({ kind: "protocol", connection, message });
}

function notTaken(connection: string, { key }: IssueRef): ConnectorError {
  const message = `${connection} accepted a link for ${key} and does not show it as it was written; look at the issue's links`;
  return new ConnectorError({ kind: "protocol", connection, message, outcome: "unknown" });
}
