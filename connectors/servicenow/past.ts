import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import type { PastRecord, PastVersion, PastWanted, VendorRecord } from "../../core/ports.ts";
import { type Edit, leadsOn, type Stand, standsOf } from "../versions.ts";
import { type Auditing, editsOf, expectAudit } from "./audit.ts";
import { type Cursor, cursorAt, keysetPage, msOf, type WalkedRow } from "./keyset.ts";
import { textOf, timeText } from "./listing.ts";
import { ReferenceNames } from "./names.ts";
import { listRows } from "./table.ts";

/** So many edited tickets without one recorded change are no accident. */
const EDITED_TELLING = 20;

const TABLES: Readonly<Record<string, string>> = { group: "sys_user_group", user: "sys_user", ci: "cmdb_ci" };
/** The one reference of the base system's tickets that is read like a configuration item and is none. */
const CATALOGUE_ITEM = { field: "cat_item", table: "sc_cat_item" };

const GONE = "pointed to a record that is not there any more, or that the integration user may not see";
const WALKED = "was read through a reference that pointed elsewhere then";
const ENDLESS = "has more entries than can be read";

/** What a walk through the past of one table needs and finds out. */
interface Reading extends Auditing {
  wanted: PastWanted;
  names: ReferenceNames;
  /** Reference → the table that it points to. */
  references: ReadonlyMap<string, string>;
  /** Fields that the mapping reads and an instance can audit. */
  audited: readonly string[];
  edited: number;
  changed: Set<string>;
  /** Edited tickets without an entry. */
  silent: number;
  unrecorded: number;
}

type Source = Pick<Auditing, "connection" | "client">;

/** How many records of a table were opened since, those hidden from us included. */
export async function openedCount({ connection, client }: Source, wanted: PastWanted): Promise<number | undefined> {
  const { second } = cursorAt(wanted.sinceMs);
  const { total } = await wanted.patiently(() =>
    listRows(connection, client, {
      operation: "count",
      table: wanted.recordType,
      query: { where: [{ field: "sys_created_on", is: ">=", value: second }] },
      fields: ["sys_id"],
      limit: 1,
      row: z.looseObject({}),
      counted: true,
    }),
  );
  return total;
}

/**
 * Records of a table by the hour at which they were opened, each with what sys_audit says it went through. What a
 * mapping reads through a reference is known of the record that it points to now; groups, people and items of the past
 * are told by name, as they are called now.
 */
export async function* pastRecords(source: Source, wanted: PastWanted): AsyncGenerator<PastRecord[], void, undefined> {
  const reading = readingOf(source, wanted);
  const { connection, client } = source;
  const fields = ["number", "sys_mod_count", ...wanted.reads];
  const walk = { operation: "read", table: wanted.recordType, by: "sys_created_on", fields } as const;
  let place: Cursor | undefined = cursorAt(wanted.sinceMs);
  try {
    while (place) {
      const from: Cursor = place;
      const page: Awaited<ReturnType<typeof keysetPage>> = await wanted.patiently(() =>
        keysetPage(connection, client, walk, from),
      );
      place = page.next;
      if (page.rows.length > 0) yield await recordsOf(reading, page.rows);
    }
  } finally {
    remarkOn(reading);
  }
}

function readingOf({ connection, client }: Source, wanted: PastWanted): Reading {
  const references = new Map<string, string>();
  for (const [path, transform] of wanted.transforms) {
    const table = path === CATALOGUE_ITEM.field ? CATALOGUE_ITEM.table : TABLES[transform];
    if (table !== undefined && !path.includes(".")) references.set(path, table);
  }
  const heads = new Set(wanted.reads.map((path) => path.split(".")[0] ?? path));
  return {
    ...{ connection, client, wanted, references, patiently: wanted.patiently },
    names: new ReferenceNames(connection, client, wanted.patiently),
    audited: [...heads].filter((field) => !field.startsWith("sys_") && field !== "number"),
    edited: 0,
    changed: new Set(),
    silent: 0,
    unrecorded: 0,
  };
}

async function recordsOf(reading: Reading, rows: readonly WalkedRow[]): Promise<PastRecord[]> {
  const { names, references, wanted } = reading;
  for (const row of rows)
    for (const [field, table] of references)
      names.learn(table, textOf(row, field), {
        name: textOf(row, `${field}.name`),
        email: textOf(row, `${field}.email`),
      });
  const edits = await editsOfAll(reading, rows);
  for (const [field, table] of references) await names.ask(table, pastIds(field, edits.values()));
  return rows.map((row) => {
    const versions = versionsOf(reading, row, edits.get(row.sys_id));
    return { type: wanted.recordType, id: row.sys_id, key: textOf(row, "number") || row.sys_id, versions };
  });
}

/** Of a record that nobody edited nothing need be asked. */
async function editsOfAll(reading: Reading, rows: readonly WalkedRow[]): Promise<Map<string, Edit<string>[]>> {
  const records = rows.map((row) => ({
    sysId: row.sys_id,
    modCount: textOf(row, "sys_mod_count"),
    createdOn: textOf(row, "sys_created_on"),
  }));
  const edited = records.filter(({ modCount }) => modCount !== "0");
  const edits =
    edited.length === 0 ? new Map<string, Edit<string>[]>() : await editsOf(reading, edited, reading.audited);
  reading.edited += edited.length;
  reading.silent += [...edits.values()].filter(({ length }) => length === 0).length;
  for (const { changes } of [...edits.values()].flat()) for (const { field } of changes) reading.changed.add(field);
  if (reading.changed.size === 0 && edited.length > 0) await expectAudit(reading);
  if (reading.changed.size === 0 && reading.edited >= EDITED_TELLING) throw unaudited(reading);
  const unedited = records.filter(({ modCount }) => modCount === "0");
  return new Map([...edits, ...unedited.map(({ sysId }): [string, Edit<string>[]] => [sysId, []])]);
}

function* pastIds(field: string, histories: Iterable<readonly Edit<string>[]>): Generator<string> {
  for (const edits of histories)
    for (const { changes } of edits)
      for (const change of changes) if (change.field === field) yield* [change.before, change.after];
}

function versionsOf(reading: Reading, row: WalkedRow, edits: readonly Edit<string>[] | undefined): PastVersion[] {
  const openedMs = msOf(textOf(row, "sys_created_on"));
  const stands = standsOf({ atMs: openedMs, revision: "0" }, edits ?? []);
  const leads = leadsOn(edits ?? [], same, (field, value) => same(textOf(row, field), value));
  if (!leads) reading.unrecorded += 1;
  return stands.map((stand) => {
    const { record, untold } = recordAt(reading, row, stand);
    const endless = edits === undefined ? [{ path: "sys_audit", why: ENDLESS }] : [];
    return { atMs: stand.atMs, revision: stand.revision, record, untold: [...endless, ...untold] };
  });
}

function recordAt(
  { names, references, wanted }: Reading,
  row: WalkedRow,
  { atMs, revision, past }: Stand<string>,
): Pick<PastVersion, "record" | "untold"> {
  const record: Record<string, unknown> = { ...row, sys_mod_count: revision, sys_updated_on: timeText(atMs) };
  const untold: { path: string; why: string }[] = [];
  for (const [field, id] of past) {
    if (same(id, textOf(row, field))) continue;
    record[field] = id;
    const table = references.get(field);
    const named = table === undefined ? undefined : names.of(table, id);
    if (table !== undefined && id !== "" && !named) untold.push({ path: field, why: GONE });
    for (const path of wanted.reads.filter((read) => read.startsWith(`${field}.`))) {
      if (id === "") record[path] = "";
      else if (table !== undefined && path === `${field}.name`) record[path] = named?.name ?? "";
      else if (table !== undefined && path === `${field}.email`) record[path] = named?.email ?? "";
      else untold.push({ path, why: WALKED });
    }
  }
  // A group without a name would be told by its sys_id, which no rule means and no report should show.
  for (const [path, table] of references)
    if (table === TABLES["group"] && isNameless(record, path) && !untold.some((known) => known.path === path))
      untold.push({ path, why: GONE });
  return { record, untold };
}

function isNameless(record: VendorRecord, path: string): boolean {
  return record[path] !== "" && record[path] !== undefined && record[`${path}.name`] === "";
}

/** As the instance's history and its records write one value: blanks at the end come and go. */
function same(one: string, other: string): boolean {
  return one.trimEnd() === other.trimEnd();
}

function remarkOn({ wanted, edited, audited, changed, silent, unrecorded }: Reading): void {
  const { recordType } = wanted;
  if (silent > 0)
    wanted.remark(
      `Of ${silent} edited tickets of ${recordType} sys_audit holds no change of a mapped field: only notes were added, or their history was deleted, and then they stand from the opening on as they stand now.`,
    );
  if (unrecorded > 0)
    wanted.remark(
      `Of ${unrecorded} tickets of ${recordType} something was changed that sys_audit does not hold (an import, a script); it counts as changed together with the next change that it holds, or the last one.`,
    );
  const never = audited.filter((field) => !changed.has(field));
  if (edited >= EDITED_TELLING && never.length > 0)
    wanted.remark(
      `sys_audit holds no change of ${never.join(", ")} in ${edited} edited tickets of ${recordType}: where people do change them, they are not audited, and stand here as they stand now.`,
    );
}

function unaudited({ connection, edited, wanted: { recordType } }: Reading): ConnectorError {
  const message = `sys_audit of ${connection} holds no change of a mapped field in ${edited} edited tickets of ${recordType}; have the table audited (its dictionary entry, Audit), or name the other types with --type`;
  return new ConnectorError({ kind: "rejected", connection, message });
}
