import { ConnectorError } from "../../core/errors.ts";
import type { Finding, RecordNeeds } from "../finding.ts";
import type { Account, InspectedRow, Inspection } from "./inspect.ts";

const DEPTH_MAX = 6;
const ROWS_MAX = 1_000;

export interface TableEyes {
  ours: Inspection;
  theirs: Inspection;
  account: Account;
}

/** Whether a mapped table is there, its fields are known, readable and writable, and its choices are those of the mapping. */
export async function tableFindings({ ours, theirs, account }: TableEyes, needs: RecordNeeds): Promise<Finding[]> {
  const { record, reads } = needs;
  let row: InspectedRow | undefined;
  try {
    [row] = await ours.read({ table: record, fields: ["sys_id", ...reads], limit: 1 });
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.kind !== "rejected") throw error;
    const missing = error.status === 400;
    const what = missing ? "there is no such table" : "the integration user may not read it";
    const fix = missing
      ? `Correct records of the connection, or activate the plugin that brings ${record}`
      : `Give its role read on ${record}`;
    return [{ severity: "error", check: "table", where: record, what, fix }];
  }
  const lineage = await lineageOf(ours, record);
  if (lineage.length === 0) {
    const what = "sys_db_object is not readable, so fields and choices could not be checked";
    return [
      {
        severity: "warning",
        check: "fields",
        where: record,
        what,
        fix: "Give the role read on sys_db_object, sys_dictionary and sys_choice",
      },
    ];
  }
  const known = await columnsOf(ours, lineage);
  const unknown = reads.filter((path) => !known.has(path.split(".")[0] ?? ""));
  return [
    ...unknown.map((path): Finding => unknownField(record, path, needs.mapping)),
    ...(row === undefined ? [nothingVisible(record)] : hidden(row, needs, unknown)),
    ...(await choiceFindings(ours, lineage, needs)),
    ...(await writeFindings(theirs, lineage, needs, account)),
  ];
}

function unknownField(record: string, path: string, mapping: string): Finding {
  const what = "is read by the mapping and is no field of the table";
  return {
    severity: "error",
    check: "fields",
    where: `${record}.${path}`,
    what,
    fix: `Correct mappings/${mapping}.yaml, or add the field to ${record}`,
  };
}

function nothingVisible(record: string): Finding {
  const what = "shows no record to the integration user";
  return {
    severity: "warning",
    check: "table",
    where: record,
    what,
    fix: `Give its role read on ${record}; on an empty table ignore this`,
  };
}

/** A field that may not be read is left out of the answer. */
function hidden(row: InspectedRow, { record, reads }: RecordNeeds, unknown: readonly string[]): Finding[] {
  return reads
    .filter((path) => row[path] === undefined && !unknown.includes(path))
    .map((path) => ({
      severity: "error",
      check: "fields",
      where: `${record}.${path}`,
      what: "may not be read by the integration user",
      fix: `Give its role a read ACL on ${record}.${path}`,
    }));
}

/** The table and what it extends, nearest first. */
async function lineageOf(ours: Inspection, table: string): Promise<string[]> {
  const steps = Array.from({ length: DEPTH_MAX }, (_, depth) => `${"super_class.".repeat(depth)}name`);
  const query = { where: [{ field: "name", is: "=" as const, value: table }] };
  const [row] = await ours.read({ table: "sys_db_object", fields: steps, query, limit: 1 });
  return row === undefined ? [] : steps.map((step) => row[step] ?? "").filter((name) => name !== "");
}

async function columnsOf(ours: Inspection, lineage: readonly string[]): Promise<Set<string>> {
  const query = { where: [{ field: "name", in: lineage }] };
  const rows = await ours.read({ table: "sys_dictionary", fields: ["element"], query, limit: ROWS_MAX });
  return new Set(rows.map(({ element = "" }) => element));
}

async function choiceFindings(ours: Inspection, lineage: readonly string[], needs: RecordNeeds): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const { path, known, written } of needs.values) {
    const where = [
      { field: "name", in: lineage },
      { field: "element", is: "=" as const, value: path },
      { field: "inactive", is: "=" as const, value: "false" },
      { field: "language", is: "=" as const, value: "en" },
    ];
    const rows = await ours.read({ table: "sys_choice", fields: ["value"], query: { where }, limit: ROWS_MAX });
    // The nearest table with a list of its own has the say.
    const nearest = lineage.find((table) => rows.some(({ name }) => name === table));
    const offered = new Set(rows.filter(({ name }) => name === nearest).map(({ value = "" }) => value));
    if (offered.size === 0) continue;
    const at = `${needs.record}.${path}`;
    const file = `mappings/${needs.mapping}.yaml`;
    const strange = [...offered].filter((value) => value !== "" && !known.includes(value));
    if (strange.length > 0)
      found.push({
        severity: "warning",
        check: "choices",
        where: at,
        what: `the instance offers ${strange.join(", ")}, which the mapping does not know: such tickets are parked as drift`,
        fix: `Add ${strange.join(", ")} to values of that field in ${file}`,
      });
    const impossible = written.filter((value) => !offered.has(value));
    if (impossible.length > 0)
      found.push({
        severity: "error",
        check: "choices",
        where: at,
        what: `a rule may write ${impossible.join(", ")}, which the instance does not offer`,
        fix: `Correct that field in ${file}, or add the choice`,
      });
  }
  return found;
}

/** Field ACLs by role, as far as roles decide: what a script or condition of an ACL says is known to the instance alone. */
async function writeFindings(
  theirs: Inspection,
  lineage: readonly string[],
  needs: RecordNeeds,
  account: Account,
): Promise<Finding[]> {
  const { record, writes } = needs;
  if (writes.length === 0) return [];
  const names = lineage.flatMap((table) => [table, ...writes.map((field) => `${table}.${field}`)]);
  const where = [
    { field: "name", in: names },
    { field: "operation", is: "=" as const, value: "write" },
    { field: "active", is: "=" as const, value: "true" },
  ];
  const acls = await theirs.read({ table: "sys_security_acl", fields: ["sys_id"], query: { where }, limit: ROWS_MAX });
  if (acls.length === 0) {
    const what = "its write ACLs cannot be looked into by this account, so rights to write are not known";
    return [{ severity: "warning", check: "rights", where: record, what, fix: "Run doctor with --as <administrator>" }];
  }
  const needed = await theirs.read({
    table: "sys_security_acl_role",
    fields: ["sys_security_acl", "sys_user_role.name"],
    query: { where: [{ field: "sys_security_acl", in: acls.map(({ sys_id = "" }) => sys_id) }] },
    limit: ROWS_MAX,
  });
  const held = await theirs.read({
    table: "sys_user_has_role",
    fields: ["role.name"],
    query: { where: [{ field: "user", is: "=", value: account.sysId }] },
    limit: ROWS_MAX,
  });
  const roles = new Set(held.map((row) => row["role.name"] ?? ""));
  const opens = ({ sys_id }: InspectedRow): boolean => {
    const asked = needed
      .filter((row) => row["sys_security_acl"] === sys_id)
      .map((row) => row["sys_user_role.name"] ?? "");
    return asked.length === 0 || roles.has("admin") || asked.some((name) => roles.has(name));
  };
  /** The nearest table with an ACL of that name decides; of several, one that opens is enough. */
  const closed = (suffix: string): string | undefined => {
    const nearest = lineage
      .map((table) => `${table}${suffix}`)
      .find((name) => acls.some((acl) => acl["name"] === name));
    return nearest === undefined || acls.some((acl) => acl["name"] === nearest && opens(acl)) ? undefined : nearest;
  };
  return ["", ...writes.map((field) => `.${field}`)].flatMap((suffix): Finding[] => {
    const acl = closed(suffix);
    if (acl === undefined) return [];
    const what = `may not be written by the integration user: the write ACL ${acl} asks for a role it does not have`;
    return [
      {
        severity: "error",
        check: "rights",
        where: `${record}${suffix}`,
        what,
        fix: `Give the user a role of the ACL ${acl}, or add an ACL for its own role`,
      },
    ];
  });
}
