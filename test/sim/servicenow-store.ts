/** The records of the ServiceNow simulator, in memory, indexed by sys_id (and journal entries by their record). */
import { randomUUID } from "node:crypto";
import type { EncodedQuery, QueryFields } from "./encoded-query.ts";
import { compileQuery, orderRows, parseEncodedQuery, pinnedValues } from "./encoded-query.ts";
import { baseChoices } from "./servicenow-choices.ts";
import { noRecord } from "./servicenow-errors.ts";
import type { Row, Write } from "./servicenow-rules.ts";
import { applyRules } from "./servicenow-rules.ts";
import type { Field, Table } from "./servicenow-schema.ts";
import { fieldAt, TABLES, tableNamed, withChildren } from "./servicenow-schema.ts";

export type Fields = Record<string, string | number | boolean>;

export interface WriteOptions {
  /** user_name of who acts. */
  by: string;
  /** Labels and names in place of values and sys_ids. */
  displayValues?: boolean;
}

export interface StoreOptions {
  now(): number;
  /** Fields a write silently leaves alone, per table. */
  forbiddenFields: Record<string, string[]>;
  onWrite(table: string, row: Row): void;
  /** Refuses a write that more than the record itself must be known for. */
  guard?(write: Write): void;
}

/** "YYYY-MM-DD HH:MM:SS" in UTC: the instance keeps whole seconds. */
export function dateText(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 19).replace("T", " ");
}

/** What the instance alone writes. Other names may begin alike, such as the references of an ACL to its roles. */
const SYSTEM_FIELD = /^sys_(id|created|updated|mod_count|class_name|tags|domain)/;

const FAMILIES = new Map([...TABLES.keys()].map((name) => [name, withChildren(name)]));

/** Rows are replaced on every write, never changed: one handed out stays as it was. */
export class ServiceNowStore {
  readonly #options: StoreOptions;
  readonly #byId = new Map<string, Row>();
  readonly #byTable = new Map([...TABLES.keys()].map((name) => [name, new Map<string, Row>()]));
  readonly #users = new Map<string, string>();
  readonly #journals = new Map<string, Row[]>();
  /** Entries of the field history by the record that they are of. */
  readonly #audits = new Map<string, Map<string, Row>>();
  /** "table.field.value" → label, kept from sys_choice. */
  readonly #labels = new Map<string, string>();
  readonly #numbers = new Map<string, number>();

  constructor(options: StoreOptions) {
    this.#options = options;
    for (const choice of baseChoices()) this.insert("sys_choice", { ...choice }, { by: "system" });
  }

  /** The record when it is of this table or of one that extends it. */
  find(table: string, sysId: string): Row | undefined {
    const row = this.#byId.get(sysId);
    return row !== undefined && FAMILIES.get(table)?.includes(classOf(row)) === true ? row : undefined;
  }

  get(sysId: string): Row | undefined {
    return this.#byId.get(sysId);
  }

  list(table: string): Row[] {
    return (FAMILIES.get(table) ?? []).flatMap((name) => [...(this.#byTable.get(name)?.values() ?? [])]);
  }

  /** Every row that matches, in order. Conditions on unknown fields are skipped, or yield nothing when told so. */
  query(table: string, text: string, unknownYieldsNothing: boolean): Row[] {
    const query = parseEncodedQuery(text);
    const fields: QueryFields<Row> = {
      type: (path) => fieldAt(table, path)?.type,
      reader: (path) => this.reader(path),
    };
    const matches = compileQuery(query, fields, unknownYieldsNothing);
    return matches === undefined ? [] : orderRows(this.#candidates(table, query).filter(matches), query, fields);
  }

  insert(table: string, fields: Fields, options: WriteOptions): Row {
    return this.#write(tableNamed(table), undefined, fields, options);
  }

  update(table: string, sysId: string, fields: Fields, options: WriteOptions): Row {
    tableNamed(table);
    const before = this.find(table, sysId);
    if (before === undefined) throw noRecord();
    // Written through a parent table, a record still obeys the rules of its own class.
    return this.#write(tableNamed(classOf(before)), before, fields, options);
  }

  /** False when there was nothing to remove. */
  remove(table: string, sysId: string): boolean {
    tableNamed(table);
    const row = this.find(table, sysId);
    if (row === undefined) return false;
    this.#byId.delete(sysId);
    this.#byTable.get(classOf(row))?.delete(sysId);
    if (classOf(row) === "sys_audit") this.#audits.get(row["documentkey"] ?? "")?.delete(sysId);
    for (const entry of this.#journals.get(sysId) ?? []) this.remove("sys_journal_field", entry.sys_id);
    this.#journals.delete(sysId);
    for (const entry of [...(this.#audits.get(sysId)?.keys() ?? [])]) this.remove("sys_audit", entry);
    this.#audits.delete(sysId);
    return true;
  }

  /** Journal entries of a record, oldest first. */
  journal(sysId: string): Row[] {
    return this.#journals.get(sysId) ?? [];
  }

  /** Reads a field, also over references: "caller_id.manager.name". */
  reader(path: string): (row: Row) => string {
    const steps = path.split(".");
    const last = steps.pop() ?? "";
    if (steps.length === 0) return (row) => row[last] ?? "";
    return (row) => {
      let at: Row | undefined = row;
      for (const step of steps) at = this.#byId.get(at?.[step] ?? "");
      return at?.[last] ?? "";
    };
  }

  /** The label of a choice, from the table's own list or from the one it inherits. */
  label(table: string, field: string, value: string): string | undefined {
    for (const at of lineage(table)) {
      const found = this.#labels.get(`${at}.${field}.${value}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** What a reference to this record shows; empty when it points nowhere. */
  display(sysId: string): string {
    const row = this.#byId.get(sysId);
    const table = TABLES.get(row === undefined ? "" : classOf(row));
    if (row === undefined || table === undefined) return "";
    const shown = row[table.display] ?? "";
    return table.fields.get(table.display)?.type === "reference" ? this.display(shown) : shown;
  }

  userId(userName: string): string {
    return this.#users.get(userName) ?? "";
  }

  dump(): Record<string, Row[]> {
    return Object.fromEntries([...this.#byTable].map(([name, rows]) => [name, [...rows.values()]]));
  }

  #write(table: Table, before: Row | undefined, fields: Fields, { by, displayValues }: WriteOptions): Row {
    const nowText = dateText(this.#options.now());
    const row: Row = before === undefined ? this.#blank(table, by, nowText) : { ...before };
    const journals: { element: string; value: string }[] = [];
    for (const [name, given] of Object.entries(fields)) {
      const field = table.fields.get(name);
      const closed = SYSTEM_FIELD.test(name) || this.#options.forbiddenFields[table.name]?.includes(name) === true;
      // Unknown or not writable: the vendor says nothing and answers as if all were well.
      if (field === undefined || closed) continue;
      if (field.type === "journal") {
        if (String(given) !== "") journals.push({ element: name, value: String(given) });
      } else {
        row[name] = this.#read(table, field, String(given), displayValues === true) ?? row[name] ?? "";
      }
    }
    const write = { table, before, row, journals, actor: this.userId(by), nowText };
    applyRules(write);
    this.#options.guard?.(write);
    if (before !== undefined) {
      const changed = journals.length > 0 || Object.keys(row).some((name) => row[name] !== before[name]);
      if (!changed) return before;
      row["sys_mod_count"] = String(Number(before["sys_mod_count"]) + 1);
    }
    row["sys_updated_by"] = by;
    row["sys_updated_on"] = nowText;
    this.#keep(row);
    for (const entry of journals) this.#addJournal(row, entry, by);
    if (before !== undefined && this.#isAudited(table)) this.#addAudit(before, row, by);
    this.#options.onWrite(table.name, row);
    return row;
  }

  #blank(table: Table, by: string, nowText: string): Row {
    const row: Row = { sys_id: randomUUID().replaceAll("-", "") };
    for (const field of table.fields.keys()) if (field !== "sys_id") row[field] = table.defaults[field] ?? "";
    if (table.prefix !== "") row["number"] = this.#nextNumber(table.prefix);
    row["sys_class_name"] = table.name;
    row["sys_domain"] = "global";
    row["sys_domain_path"] = "/";
    row["sys_mod_count"] = "0";
    row["sys_created_by"] = by;
    row["sys_created_on"] = nowText;
    return row;
  }

  #nextNumber(prefix: string): string {
    const n = (this.#numbers.get(prefix) ?? 10_000) + 1;
    this.#numbers.set(prefix, n);
    return `${prefix}${String(n).padStart(7, "0")}`;
  }

  /** What the column takes of a text; undefined leaves it as it is. */
  #read(table: Table, field: Field, text: string, displayValues: boolean): string | undefined {
    if (text === "") return "";
    if (displayValues) {
      if (field.type === "reference") return this.#idByName(field.reference ?? "", text);
      const value = this.#valueByLabel(table.name, field.name, text);
      if (value !== undefined) return value;
    }
    if (field.type === "boolean") return String(text === "true" || text === "1");
    if (field.type === "integer") return /^-?\d+$/.test(text) ? String(Number(text)) : undefined;
    if (field.type === "date") return /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text) ? text : undefined;
    return field.lengthMax === undefined ? text : text.slice(0, field.lengthMax);
  }

  #idByName(table: string, name: string): string {
    if (this.find(table, name) !== undefined) return name;
    return this.list(table).find((row) => this.display(row.sys_id) === name)?.sys_id ?? "";
  }

  #valueByLabel(table: string, field: string, label: string): string | undefined {
    for (const at of lineage(table)) {
      const prefix = `${at}.${field}.`;
      for (const [key, text] of this.#labels) {
        if (text === label && key.startsWith(prefix)) return key.slice(prefix.length);
      }
    }
    return undefined;
  }

  #keep(row: Row): void {
    this.#byId.set(row.sys_id, row);
    this.#byTable.get(classOf(row))?.set(row.sys_id, row);
    if (classOf(row) === "sys_audit") this.#keepAudit(row);
    if (classOf(row) === "sys_user") this.#users.set(row["user_name"] ?? "", row.sys_id);
    if (classOf(row) !== "sys_choice") return;
    this.#labels.set(`${row["name"]}.${row["element"]}.${row["value"]}`, row["label"] ?? "");
  }

  #keepAudit(row: Row): void {
    const record = row["documentkey"] ?? "";
    const known = this.#audits.get(record);
    if (known === undefined) this.#audits.set(record, new Map([[row.sys_id, row]]));
    else known.set(row.sys_id, row);
  }

  #addJournal(row: Row, entry: { element: string; value: string }, by: string): void {
    const fields = { ...entry, name: classOf(row), element_id: row.sys_id };
    const saved = this.insert("sys_journal_field", fields, { by });
    const entries = this.#journals.get(row.sys_id);
    if (entries === undefined) this.#journals.set(row.sys_id, [saved]);
    else entries.push(saved);
  }

  #isAudited(table: Table): boolean {
    return table.name === "sysapproval_approver" || lineage(table.name).includes("task");
  }

  /** A row per field that an update changed, as the vendor's field history keeps them. */
  #addAudit(before: Row, row: Row, by: string): void {
    const changed = Object.keys(row).filter((name) => !name.startsWith("sys_") && row[name] !== before[name]);
    for (const name of changed) {
      const change = { documentkey: row.sys_id, tablename: classOf(row), fieldname: name, user: by };
      const values = {
        oldvalue: before[name] ?? "",
        newvalue: row[name] ?? "",
        record_checkpoint: row["sys_mod_count"] ?? "",
      };
      this.insert("sys_audit", { ...change, ...values }, { by: "system" });
    }
  }

  /** The few rows a pinned key leaves, or the whole table. */
  #candidates(table: string, query: EncodedQuery): Row[] {
    const ids = pinnedValues(query, "sys_id");
    if (ids !== undefined) return [...ids].flatMap((id) => this.find(table, id) ?? []);
    const records = table === "sys_journal_field" ? pinnedValues(query, "element_id") : undefined;
    if (records !== undefined) return [...records].flatMap((id) => this.#journals.get(id) ?? []);
    const audited = table === "sys_audit" ? pinnedValues(query, "documentkey") : undefined;
    if (audited !== undefined) return [...audited].flatMap((id) => [...(this.#audits.get(id)?.values() ?? [])]);
    return this.list(table);
  }
}

function classOf(row: Row): string {
  return row["sys_class_name"] ?? "";
}

/** The table, then what it extends, up to the root. */
function lineage(table: string): string[] {
  const names: string[] = [];
  for (let at: string | undefined = table; at !== undefined; at = TABLES.get(at)?.parent) names.push(at);
  return names;
}
