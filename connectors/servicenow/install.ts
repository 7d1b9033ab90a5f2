import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import type { ServiceNowClient } from "./client.ts";
import type { InspectedRow, Inspection } from "./inspect.ts";
import {
  INSTALL_TABLES,
  type Installation,
  type InstallTable,
  propertyName,
  rulePrefix,
  type WantedRecord,
  wantedRecords,
} from "./installation.ts";

/** Most records of one name that are looked at, and most rules of one connection. */
const SAME_NAME_MAX = 20;
const RULES_MAX = 500;

/** One thing to do on the instance. */
export interface InstallStep {
  kind: "create" | "update" | "switch_off";
  table: InstallTable;
  label: string;
  sysId?: string;
  /** Names of what differs. */
  differs: readonly string[];
  fields: Readonly<Record<string, string>>;
  /** Fields of `fields` that cannot be read back. */
  unreadable: readonly string[];
}

const Written = z.looseObject({ sys_id: z.string() });

/** Tables that the account cannot look into; every instance has rows in all of them. */
export async function closedTables(rows: Inspection): Promise<InstallTable[]> {
  const closed: InstallTable[] = [];
  for (const table of INSTALL_TABLES) {
    try {
      if ((await rows.read({ table, fields: ["sys_id"], limit: 1 })).length === 0) closed.push(table);
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.kind !== "rejected") throw error;
      closed.push(table);
    }
  }
  return closed;
}

/** What is to be done so that the instance holds exactly what it should. Changes nothing. */
export async function planInstall(rows: Inspection, installation: Installation): Promise<InstallStep[]> {
  const steps: InstallStep[] = [];
  for (const wanted of wantedRecords(installation)) {
    const standing = await find(rows, wanted);
    const [first, ...surplus] = standing;
    if (first === undefined) steps.push(step("create", wanted));
    else {
      const differs = differences(wanted, first);
      if (differs.length > 0) steps.push({ ...step("update", wanted, differs), sysId: first["sys_id"] ?? "" });
    }
    for (const row of surplus) if (row["active"] === "true") steps.push(switchOff(wanted.label, wanted.table, row));
  }
  const known = new Set(installation.tables);
  for (const row of await rulesOf(rows, installation.connection))
    if (!known.has(row["collection"] ?? "") && row["active"] === "true")
      steps.push(
        switchOff(`business rule on ${row["collection"] ?? ""}, which is not mapped any more,`, "sys_script", row),
      );
  return steps;
}

/** Records of that name, the oldest first: that one is kept. */
export function find(rows: Inspection, { table, key, fields }: WantedRecord): Promise<InspectedRow[]> {
  const wanted = ["sys_id", ...Object.keys(fields)];
  const where = Object.entries(key).map(([field, value]) => ({ field, is: "=" as const, value }));
  const query = { where, order: [{ field: "sys_created_on" }] };
  return rows.read({ table, fields: wanted, query, limit: SAME_NAME_MAX });
}

/** All business rules of a connection, whatever their table. */
export async function rulesOf(rows: Inspection, connection: string): Promise<InspectedRow[]> {
  const prefix = rulePrefix(connection);
  const found = await rows.read({
    table: "sys_script",
    fields: ["sys_id", "name", "collection", "active"],
    query: { where: [{ field: "name", is: "STARTSWITH", value: prefix }] },
    limit: RULES_MAX,
  });
  // An instance compares without regard to case; nothing of somebody else's is touched.
  return found.filter(({ name = "" }) => name.startsWith(prefix));
}

/** Names of the fields that differ. An instance may give a script other line ends. */
export function differences({ fields }: WantedRecord, standing: InspectedRow): string[] {
  const same = (text: string): string => text.replace(/\r\n/g, "\n").trim();
  return Object.entries(fields).flatMap(([name, value]) => (same(standing[name] ?? "") === same(value) ? [] : [name]));
}

function step(kind: "create" | "update", wanted: WantedRecord, differs: readonly string[] = []): InstallStep {
  const { table, label, key, fields, secret } = wanted;
  const changed =
    kind === "create" ? { ...key, ...fields } : Object.fromEntries(differs.map((name) => [name, fields[name] ?? ""]));
  const withSecret = secret === undefined ? changed : { ...changed, value: secret };
  return { kind, table, label, differs, fields: withSecret, unreadable: secret === undefined ? [] : ["value"] };
}

function switchOff(label: string, table: InstallTable, row: InspectedRow): InstallStep {
  const sysId = row["sys_id"] ?? "";
  return { kind: "switch_off", table, label, sysId, differs: ["active"], fields: { active: "false" }, unreadable: [] };
}

/** One line that says what a step does. Never what a secret is. */
export function describeStep({ kind, label, differs }: InstallStep, dryRun: boolean): string {
  const verb = { create: "create", update: "update", switch_off: "switch off" }[kind];
  const what = kind === "update" ? ` (${differs.join(", ")})` : "";
  return `${dryRun ? "would " : ""}${verb} the ${label.replace(/,$/, "")}${what}`;
}

export interface Installer {
  client: ServiceNowClient;
  rows: Inspection;
  connection: string;
  say(line: string): void;
}

/**
 * Does the steps in their order and says each. A table that refuses one is named with what it needs, and nothing more is
 * tried there; rules are left out when what they call could not be installed. Answers how many steps were refused or left
 * out; throws any other ConnectorError.
 */
export async function applyInstall(installer: Installer, steps: readonly InstallStep[]): Promise<number> {
  const refused = new Set<InstallTable>();
  let undone = 0;
  for (const step of steps) {
    const needs = INSTALL_TABLES.slice(0, INSTALL_TABLES.indexOf(step.table) + 1);
    if (needs.some((table) => refused.has(table))) {
      undone += 1;
      installer.say(`left out: ${describeStep(step, true)}`);
      continue;
    }
    try {
      await applyStep(installer, step);
      installer.say(describeStep(step, false));
    } catch (error) {
      if (!(error instanceof ConnectorError) || error.kind !== "rejected") throw error;
      refused.add(step.table);
      undone += 1;
      installer.say(
        `${step.table} refuses to ${describeStep(step, false)}; it needs the role admin (${error.message})`,
      );
    }
  }
  return undone;
}

/** Where the instance sends to now; undefined where nothing is installed. */
export async function installedUrl(rows: Inspection, connection: string): Promise<string | undefined> {
  const query = { where: [{ field: "name", is: "=" as const, value: propertyName(connection, "url") }] };
  const [row] = await rows.read({ table: "sys_properties", fields: ["value"], query, limit: 1 });
  return row?.["value"] || undefined;
}

/**
 * Does one step and reads back what it wrote. Throws a ConnectorError that names the record and what to do; what an
 * instance drops in silence is one.
 */
async function applyStep({ client, rows, connection }: Installer, step: InstallStep): Promise<void> {
  const { table, sysId, fields, label, unreadable } = step;
  const path = `/api/now/table/${table}`;
  const written = Written.safeParse(
    await client.send({
      operation: "install",
      method: sysId === undefined ? "POST" : "PATCH",
      path: sysId === undefined ? path : `${path}/${sysId}`,
      params: { sysparm_fields: "sys_id" },
      body: { ...fields },
    }),
  );
  const id = written.data?.sys_id ?? sysId ?? "";
  const query = { where: [{ field: "sys_id", is: "=" as const, value: id }] };
  const [standing] = await rows.read({ table, fields: Object.keys(fields), query, limit: 1 });
  const readable = Object.fromEntries(Object.entries(fields).filter(([name]) => !unreadable.includes(name)));
  const dropped = differences({ table, label, key: {}, fields: readable }, standing ?? {});
  if (dropped.length === 0) return;
  const message = `${connection} took the ${label} but not its ${dropped.join(", ")}; a field ACL of ${table} keeps the account from writing there`;
  throw new ConnectorError({ kind: "rejected", connection, message });
}
