import { ConnectorError } from "../../core/errors.ts";
import type { FactName } from "../../core/policy/facts.ts";
import { checked, type Finding } from "../finding.ts";
import { INCIDENT_FIELDS, LISTED_FIELDS } from "./aftermath.ts";
import { AFFECTED_FIELDS, CHANGE_FIELDS } from "./change-history.ts";
import { MODEL_FIELDS } from "./impact.ts";
import type { InspectedRow, Inspection } from "./inspect.ts";
import { CONDITION_FIELDS, MEMBERSHIP_FIELDS } from "./item-condition.ts";
import { CRITICALITY_FIELDS, ITEM_FIELDS } from "./items.ts";
import { RELATION_FIELDS } from "./topology.ts";

interface Reads {
  table: string;
  /** Of several that stand for the same, one is enough. */
  fields: readonly (readonly string[])[];
}

function each(fields: readonly string[]): string[][] {
  return fields.map((field) => [field]);
}

/** What the facts of rules are read from. */
const READS: Readonly<Record<Exclude<FactName, "advice" | "assessment">, readonly Reads[]>> = {
  ci: [
    { table: "cmdb_ci", fields: each(ITEM_FIELDS) },
    { table: "cmdb_ci_service", fields: [CRITICALITY_FIELDS] },
  ],
  members: [{ table: "sys_user_grmember", fields: [["user"], ["group.name"], ["group.active"]] }],
  spend: [{ table: "sc_req_item", fields: [["request.requested_for"], ["opened_at"], ["price"], ["quantity"]] }],
  impact: [
    { table: "cmdb_ci", fields: each(CONDITION_FIELDS) },
    { table: "cmdb_ci_service", fields: [CRITICALITY_FIELDS] },
    { table: "cmdb_rel_ci", fields: each(RELATION_FIELDS) },
    { table: "svc_ci_assoc", fields: each(["ci_id", ...MEMBERSHIP_FIELDS]) },
    { table: "change_request", fields: [...each(["cmdb_ci", "assignment_group", ...CHANGE_FIELDS]), MODEL_FIELDS] },
    { table: "incident", fields: each(["cmdb_ci", "opened_at"]) },
    { table: "task_ci", fields: each(AFFECTED_FIELDS) },
  ],
  aftermath: [
    { table: "cmdb_rel_ci", fields: each(RELATION_FIELDS) },
    { table: "incident", fields: each(INCIDENT_FIELDS) },
    { table: "task_ci", fields: each(LISTED_FIELDS) },
  ],
};

/** Whether the integration user may read what the rules ask for; what no rule asks for is not looked at. */
export async function factFindings(ours: Inspection, facts: readonly FactName[]): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const fact of facts)
    for (const reads of fact === "advice" || fact === "assessment" ? [] : READS[fact])
      found.push(...(await checked("facts", reads.table, () => tableFindings(ours, fact, reads))));
  return found;
}

async function tableFindings(ours: Inspection, fact: FactName, { table, fields }: Reads): Promise<Finding[]> {
  const because = `so that rules which ask for ${fact} hold their tickets`;
  const error = (where: string, what: string): Finding => {
    const fix = `Give the role of the integration user read on ${where}`;
    return { severity: "error", check: "facts", where, what: `${what}, ${because}`, fix };
  };
  let row: InspectedRow | undefined;
  try {
    [row] = await ours.read({ table, fields: ["sys_id", ...fields.flat()], limit: 1 });
  } catch (fault) {
    if (!(fault instanceof ConnectorError) || fault.kind !== "rejected") throw fault;
    return [error(table, "may not be read by the integration user")];
  }
  if (row === undefined) {
    const what = "shows no record to the integration user, so it is not known whether facts can be read from it";
    const fix = `Give its role read on ${table}; on an empty table ignore this`;
    return [{ severity: "warning", check: "facts", where: table, what, fix }];
  }
  return fields
    .filter((names) => names.every((name) => row[name] === undefined))
    .map(([name]) => error(`${table}.${name}`, "is not there, or may not be read by the integration user"));
}
