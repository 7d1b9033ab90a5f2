import { createHash } from "node:crypto";
import { z } from "zod";
import type { JiraInspection } from "./inspect.ts";

/**
 * Admin webhooks. The documented `/rest/api/3/webhook` is open to OAuth and Connect apps only, forgets its webhooks after
 * 30 days and takes no secret; this route is what Settings > System > Webhooks uses, and takes one.
 */
const ROUTE = "/rest/webhooks/1.0/webhook";
const HOOKS_MAX = 1_000;

export const HOOK_EVENTS = [
  "jira:issue_created",
  "jira:issue_updated",
  "jira:issue_deleted",
  "comment_created",
  "comment_updated",
  "comment_deleted",
] as const;

const FILTER = "issue-related-events-section";

const Hook = z.looseObject({
  /** The only place where the API gives its id. */
  self: z.string().regex(/\/\d{1,19}\/?$/),
  name: z.string(),
  url: z.string(),
  events: z.array(z.string()).catch([]),
  enabled: z.boolean().catch(true),
  filters: z.record(z.string(), z.unknown()).catch({}),
  isSigned: z.boolean().optional(),
});
export type Hook = z.infer<typeof Hook>;

/** The one webhook that a connection needs. */
export interface WantedHook {
  connection: string;
  /** Project keys. */
  projects: readonly string[];
  /** https://.../webhooks/<connection> */
  url: string;
  secret: string;
}

export interface HookStep {
  kind: "create" | "update" | "delete";
  /** Id of the webhook; empty where it is created. */
  id: string;
  what: string;
  body: Record<string, unknown>;
}

export async function listHooks(jira: JiraInspection): Promise<Hook[]> {
  return jira.call("inspect", z.array(Hook).max(HOOKS_MAX), { method: "GET", url: ROUTE });
}

/** Those of a connection: by the name that we give them, whatever secret it tells of, or by where they lead. */
export function ownHooks(hooks: readonly Hook[], connection: string, url: string | undefined): Hook[] {
  return hooks.filter((hook) => isNamed(hook, connection) || (url !== undefined && hook.url === url));
}

/** The name says which secret it was registered with, since Jira never shows one again. */
export function hookName(connection: string, secret: string): string {
  const key = createHash("sha256").update(`interlock key ${secret}`).digest("hex").slice(0, 8);
  return `${namePrefix(connection)} key ${key}`;
}

function namePrefix(connection: string): string {
  return `Interlock (${connection})`;
}

export function isNamed({ name }: Hook, connection: string): boolean {
  return name === namePrefix(connection) || name.startsWith(`${namePrefix(connection)} key `);
}

/** Names of what is not as it should be. */
export function hookDifferences(hook: Hook, wanted: WantedHook): string[] {
  const differs: string[] = [];
  if (hook.url !== wanted.url) differs.push("url");
  if (hook.name !== hookName(wanted.connection, wanted.secret) || hook.isSigned === false) differs.push("secret");
  if (!hook.enabled) differs.push("enabled");
  if (missingEvents(hook).length > 0) differs.push("events");
  if (String(hook.filters[FILTER] ?? "") !== filterOf(wanted.projects)) differs.push("filter");
  return differs;
}

export function missingEvents({ events }: Hook): string[] {
  return HOOK_EVENTS.filter((event) => !events.includes(event));
}

/** What is to be done so that there is exactly one, as it should be. Of several, the first is kept. */
export function planHooks(hooks: readonly Hook[], wanted: WantedHook): HookStep[] {
  const [first, ...surplus] = ownHooks(hooks, wanted.connection, wanted.url);
  const body = bodyOf(wanted);
  const name = namePrefix(wanted.connection);
  if (first === undefined) return [{ kind: "create", id: "", what: `the webhook ${name} to ${wanted.url}`, body }];
  const differs = hookDifferences(first, wanted);
  const steps: HookStep[] = [];
  if (differs.length > 0)
    steps.push({ kind: "update", id: idOf(first), what: `the webhook ${name} (${differs.join(", ")})`, body });
  for (const hook of surplus)
    steps.push({
      kind: "delete",
      id: idOf(hook),
      what: `the surplus webhook ${idOf(hook)}, the same as ours`,
      body: {},
    });
  return steps;
}

export async function applyHookStep(jira: JiraInspection, { kind, id, body }: HookStep): Promise<void> {
  const url = id === "" ? ROUTE : `${ROUTE}/${id}`;
  const method = ({ create: "POST", update: "PUT", delete: "DELETE" } as const)[kind];
  const call = kind === "delete" ? { method, url } : { method, url, body };
  await jira.call("write", z.unknown(), call);
}

function bodyOf({ connection, projects, url, secret }: WantedHook): Record<string, unknown> {
  return {
    name: hookName(connection, secret),
    url,
    events: [...HOOK_EVENTS],
    filters: { [FILTER]: filterOf(projects) },
    excludeBody: false,
    enabled: true,
    secret,
  };
}

function filterOf(projects: readonly string[]): string {
  return `project in (${[...projects].sort().join(", ")})`;
}

function idOf({ self }: Hook): string {
  return /\/(\d{1,19})\/?$/.exec(self)?.[1] ?? "";
}
