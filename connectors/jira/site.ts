import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import { headOf } from "./history.ts";
import type { JiraInspection } from "./inspect.ts";

const Fields = z.array(z.looseObject({ id: z.string() }));
const Statuses = z.array(z.looseObject({ statuses: z.array(z.looseObject({ name: z.string() })) }));
const Newest = z.looseObject({ issues: z.array(z.looseObject({ id: z.string() })) });
const Option = z.looseObject({ value: z.string().optional(), name: z.string().optional() });
const EditMeta = z.looseObject({
  fields: z.record(z.string(), z.looseObject({ allowedValues: z.array(Option).optional().catch(undefined) })),
});
const Permissions = z.looseObject({
  permissions: z.record(z.string(), z.looseObject({ havePermission: z.boolean() })),
});

/** A question to the site's own API, in the version that its deployment has. */
export function get<T>(
  jira: JiraInspection,
  schema: z.ZodType<T>,
  path: string,
  searchParams: Readonly<Record<string, unknown>> = {},
): Promise<T> {
  return jira.call("inspect", schema, { method: "GET", url: `${apiOf(jira)}${path}`, searchParams });
}

function apiOf({ deployment }: JiraInspection): string {
  return `/rest/api/${deployment === "cloud" ? 3 : 2}`;
}

/** Ids of the fields that the account can see. */
export async function fieldIds(jira: JiraInspection): Promise<Set<string>> {
  return new Set((await get(jira, Fields, "/field")).map(({ id }) => id));
}

/** Of paths, those whose first step is no field. */
export function unknownPaths(paths: readonly string[], ids: ReadonlySet<string>): string[] {
  return paths.filter((path) => !["id", "key"].includes(headOf(path)) && !ids.has(headOf(path)));
}

/** Which of these permissions the account has: globally, and in a project where one is named. */
export async function permissionsHeld(
  jira: JiraInspection,
  keys: readonly string[],
  projectKey?: string,
): Promise<ReadonlySet<string>> {
  const asked = { permissions: keys.join(","), ...(projectKey !== undefined && { projectKey }) };
  const { permissions } = await get(jira, Permissions, "/mypermissions", asked);
  return new Set(keys.filter((key) => permissions[key]?.havePermission === true));
}

/** Why a project cannot be used at all; undefined where it is there. */
export async function goneProject(
  jira: JiraInspection,
  key: string,
): Promise<{ what: string; fix: string } | undefined> {
  try {
    await get(jira, z.looseObject({ key: z.string() }), `/project/${encodeURIComponent(key)}`);
    return undefined;
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.kind !== "not_found") throw error;
    const what = "there is no such project, or the account may not browse it";
    return { what, fix: `Correct records of the connection, or give the account Browse projects in ${key}` };
  }
}

/** Names of the statuses of a project's workflows. */
export async function statusesOf(jira: JiraInspection, key: string): Promise<Set<string>> {
  const types = await get(jira, Statuses, `/project/${encodeURIComponent(key)}/statuses`);
  return new Set(types.flatMap(({ statuses }) => statuses.map(({ name }) => name)));
}

/** What stands on an edit screen: field id → its options, undefined for a field that has none. */
export type Screen = ReadonlyMap<string, readonly string[] | undefined>;

/** The edit screen of a project's newest issue: what stands on it is what the account can write. Undefined where it sees no issue. */
export async function screenOf(jira: JiraInspection, key: string): Promise<Screen | undefined> {
  const body = { jql: `project = "${key}" ORDER BY created DESC`, fields: ["summary"], maxResults: 1 };
  const url = `${apiOf(jira)}/search${jira.deployment === "cloud" ? "/jql" : ""}`;
  const { issues } = await jira.call("inspect", Newest, { method: "POST", url, body });
  const [newest] = issues;
  if (newest === undefined) return undefined;
  const { fields } = await get(jira, EditMeta, `/issue/${encodeURIComponent(newest.id)}/editmeta`);
  return new Map(
    Object.entries(fields).map(([id, { allowedValues }]) => {
      const options = allowedValues?.map(({ value, name }) => value ?? name ?? "") ?? [];
      return [id, options.length > 0 ? options : undefined];
    }),
  );
}
