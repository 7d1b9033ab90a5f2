import type { Finding, RecordNeeds } from "../finding.ts";
import { choicesOf, columnsOf, lineageOf, lookInto, unknownPaths } from "./dictionary.ts";
import type { Account, InspectedRow, Inspection } from "./inspect.ts";

const ROWS_MAX = 1_000;

export interface TableEyes {
  ours: Inspection;
  theirs: Inspection;
  account: Account;
}

/** Whether a mapped table is there, its fields are known, readable and writable, and its choices are those of the mapping. */
export async function tableFindings({ ours, theirs, account }: TableEyes, needs: RecordNeeds): Promise<Finding[]> {
  const { record, reads } = needs;
  const seen = await lookInto(ours, record, reads);
  if ("gone" in seen) return [{ severity: "error", check: "table", where: record, ...seen.gone }];
  const { row } = seen;
  const lineage = await lineageOf(ours, record);
  const known = await columnsOf(ours, lineage);
  if (known === undefined) {
    const what = "sys_db_object or sys_dictionary is not readable, so fields and choices could not be checked";
    const fix = "Give the role read on sys_db_object, sys_dictionary and sys_choice";
    return [{ severity: "warning", check: "fields", where: record, what, fix }];
  }
  const unknown = unknownPaths(reads, known);
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

async function choiceFindings(ours: Inspection, lineage: readonly string[], needs: RecordNeeds): Promise<Finding[]> {
  const found: Finding[] = [];
  const paths = needs.values.map(({ path }) => path);
  const { lists } = await choicesOf(ours, lineage, paths);
  for (const { path, known, written } of needs.values) {
    const offered = new Set(lists.get(path)?.offered);
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
