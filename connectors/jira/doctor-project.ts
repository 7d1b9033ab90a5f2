import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import type { Finding, RecordNeeds } from "../finding.ts";
import { headOf } from "./history.ts";
import type { JiraInspection } from "./inspect.ts";

/** What the account needs in a project, and for what. */
const NEEDED: Readonly<Record<string, string>> = {
  BROWSE_PROJECTS: "Browse projects",
  EDIT_ISSUES: "Edit issues",
  ASSIGN_ISSUES: "Assign issues",
  ADD_COMMENTS: "Add comments",
};

/** The answer of mypermissions. */
export const Permissions = z.looseObject({
  permissions: z.record(z.string(), z.looseObject({ havePermission: z.boolean() })),
});
const Statuses = z.array(z.looseObject({ statuses: z.array(z.looseObject({ name: z.string() })) }));
const Newest = z.looseObject({ issues: z.array(z.looseObject({ id: z.string() })) });
const Option = z.looseObject({ value: z.string().optional(), name: z.string().optional() });
const EditMeta = z.looseObject({
  fields: z.record(z.string(), z.looseObject({ allowedValues: z.array(Option).optional().catch(undefined) })),
});

/** Whether a mapped project is there, the account's rights in it, its edit screen, and its statuses and options against the mapping's. */
export async function projectFindings(jira: JiraInspection, needs: RecordNeeds): Promise<Finding[]> {
  const { record } = needs;
  try {
    await jira.ask("inspect", z.looseObject({ key: z.string() }), (api) =>
      api.projects.getProject({ projectIdOrKey: record }),
    );
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.kind !== "not_found") throw error;
    const what = "there is no such project, or the account may not browse it";
    const fix = `Correct records of the connection, or give the account Browse projects in ${record}`;
    return [{ severity: "error", check: "project", where: record, what, fix }];
  }
  return [...(await rights(jira, record)), ...(await statuses(jira, needs)), ...(await screen(jira, needs))];
}

async function rights(jira: JiraInspection, record: string): Promise<Finding[]> {
  const asked = { projectKey: record, permissions: Object.keys(NEEDED).join(",") };
  const { permissions } = await jira.ask("inspect", Permissions, (api) => api.permissions.getMyPermissions(asked));
  return Object.entries(NEEDED)
    .filter(([key]) => permissions[key]?.havePermission !== true)
    .map(([, name]) => ({
      severity: "error",
      check: "rights",
      where: record,
      what: `the account lacks the permission ${name}`,
      fix: `Give it ${name} in the permission scheme of ${record}`,
    }));
}

async function statuses(jira: JiraInspection, { record, mapping, values }: RecordNeeds): Promise<Finding[]> {
  const map = values.find(({ path }) => path === "status.name");
  if (map === undefined) return [];
  const types = await jira.ask("inspect", Statuses, (api) => api.projects.getAllStatuses({ projectIdOrKey: record }));
  const offered = new Set(types.flatMap(({ statuses: of }) => of.map(({ name }) => name)));
  return strangers(`${record}.status`, [...offered], map.known, mapping);
}

/** The edit screen of the newest issue: what stands on it is what the account can write. */
async function screen(jira: JiraInspection, { record, mapping, writes, values }: RecordNeeds): Promise<Finding[]> {
  const asked = { jql: `project = "${record}" ORDER BY created DESC`, fields: ["summary"], maxResults: 1 };
  const { issues } = await jira.ask("inspect", Newest, (api) =>
    api.issueSearch.searchAndReconsileIssuesUsingJqlPost(asked),
  );
  const [newest] = issues;
  if (newest === undefined) {
    const what = "has no issue that the account can see, so its edit screen could not be checked";
    return [{ severity: "warning", check: "fields", where: record, what, fix: "Create an issue and run doctor again" }];
  }
  const { fields } = await jira.ask("inspect", EditMeta, (api) =>
    api.issues.getEditIssueMeta({ issueIdOrKey: newest.id }),
  );
  const found = [...new Set(writes.map(headOf))]
    .filter((field) => fields[field] === undefined)
    .map((field): Finding => {
      const what = "is set by a rule and is not on the edit screen";
      return {
        severity: "error",
        check: "fields",
        where: `${record}.${field}`,
        what,
        fix: `Put it on the edit screen of ${record}, or make its mapping write: false`,
      };
    });
  for (const { path, known, written } of values) {
    const options = fields[headOf(path)]?.allowedValues?.map(({ value, name }) => value ?? name ?? "");
    if (options === undefined || options.length === 0 || path.startsWith("status")) continue;
    const where = `${record}.${headOf(path)}`;
    found.push(...strangers(where, options, known, mapping));
    const impossible = written.filter((value) => !options.includes(value));
    if (impossible.length > 0)
      found.push({
        severity: "error",
        check: "choices",
        where,
        what: `a rule may write ${impossible.join(", ")}, which the field does not offer`,
        fix: `Correct that field in mappings/${mapping}.yaml, or add the option`,
      });
  }
  return found;
}

function strangers(where: string, offered: readonly string[], known: readonly string[], mapping: string): Finding[] {
  const strange = offered.filter((value) => value !== "" && !known.includes(value));
  if (strange.length === 0) return [];
  const what = `the site offers ${strange.join(", ")}, which the mapping does not know: such tickets are parked as drift`;
  const fix = `Add ${strange.join(", ")} to values of that field in mappings/${mapping}.yaml`;
  return [{ severity: "warning", check: "choices", where, what, fix }];
}
