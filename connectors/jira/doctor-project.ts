import type { Finding, RecordNeeds } from "../finding.ts";
import { headOf } from "./history.ts";
import type { JiraInspection } from "./inspect.ts";
import { goneProject, permissionsHeld, screenOf, statusesOf } from "./site.ts";

/** What the account needs in a project, and for what. */
const NEEDED: Readonly<Record<string, string>> = {
  BROWSE_PROJECTS: "Browse projects",
  EDIT_ISSUES: "Edit issues",
  ASSIGN_ISSUES: "Assign issues",
  ADD_COMMENTS: "Add comments",
};

/** Whether a mapped project is there, the account's rights in it, its edit screen, and its statuses and options against the mapping's. */
export async function projectFindings(jira: JiraInspection, needs: RecordNeeds): Promise<Finding[]> {
  const { record } = needs;
  const gone = await goneProject(jira, record);
  if (gone) return [{ severity: "error", check: "project", where: record, ...gone }];
  return [...(await rights(jira, record)), ...(await statuses(jira, needs)), ...(await screen(jira, needs))];
}

async function rights(jira: JiraInspection, record: string): Promise<Finding[]> {
  const held = await permissionsHeld(jira, Object.keys(NEEDED), record);
  return Object.entries(NEEDED)
    .filter(([key]) => !held.has(key))
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
  return strangers(`${record}.status`, [...(await statusesOf(jira, record))], map.known, mapping);
}

/** The edit screen of the newest issue: what stands on it is what the account can write. */
async function screen(jira: JiraInspection, { record, mapping, writes, values }: RecordNeeds): Promise<Finding[]> {
  const fields = await screenOf(jira, record);
  if (fields === undefined) {
    const what = "has no issue that the account can see, so its edit screen could not be checked";
    return [{ severity: "warning", check: "fields", where: record, what, fix: "Create an issue and run doctor again" }];
  }
  const found = [...new Set(writes.map(headOf))]
    .filter((field) => !fields.has(field))
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
    const options = fields.get(headOf(path));
    if (options === undefined || path.startsWith("status")) continue;
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
