/** The tables the ServiceNow simulator knows: which fields, of which type, with which default. */
import { ADMIN_TABLES } from "./servicenow-admin-tables.ts";
import { APPROVAL_TABLES } from "./servicenow-approvals.ts";
import { CMDB_TABLES } from "./servicenow-cmdb.ts";
import { ServiceNowError } from "./servicenow-errors.ts";

export type FieldType = "string" | "integer" | "boolean" | "date" | "reference" | "journal";

export interface Field {
  name: string;
  type: FieldType;
  /** The table that declares it; children inherit. */
  table: string;
  /** Only for references: the table pointed at. */
  reference?: string;
  /** Longer text is cut, as the vendor does. */
  lengthMax?: number;
}

export interface Table {
  name: string;
  parent: string | undefined;
  /** What a reference to a row of this table shows. */
  display: string;
  /** Of generated numbers; empty when the table has none. */
  prefix: string;
  fields: ReadonlyMap<string, Field>;
  defaults: Readonly<Record<string, string>>;
}

export interface Declaration {
  parent?: string;
  display?: string;
  prefix?: string;
  /** Names apart by spaces; `name:160` sets the greatest length. */
  strings?: string;
  integers?: string;
  booleans?: string;
  dates?: string;
  journals?: string;
  references?: Record<string, string>;
  defaults?: Record<string, string>;
}

const AUDIT: Declaration = {
  strings: "sys_id sys_created_by sys_updated_by sys_class_name sys_tags sys_domain_path",
  integers: "sys_mod_count",
  dates: "sys_created_on sys_updated_on",
  references: { sys_domain: "sys_user_group" },
};

const DECLARATIONS: Record<string, Declaration> = {
  task: {
    display: "number",
    prefix: "TASK",
    strings:
      "number:40 short_description:160 description:4000 close_notes:4000 correlation_id:100 correlation_display:100 " +
      "contact_type approval upon_approval upon_reject watch_list work_notes_list",
    integers: "state impact urgency priority escalation reassignment_count",
    booleans: "active made_sla knowledge",
    dates: "opened_at closed_at due_date sla_due expected_start work_start work_end follow_up activity_due",
    journals: "work_notes comments",
    references: {
      assigned_to: "sys_user",
      assignment_group: "sys_user_group",
      cmdb_ci: "cmdb_ci",
      business_service: "cmdb_ci_service",
      parent: "task",
      opened_by: "sys_user",
      closed_by: "sys_user",
    },
    defaults: {
      state: "1",
      impact: "3",
      urgency: "3",
      priority: "4",
      escalation: "0",
      reassignment_count: "0",
      active: "true",
      made_sla: "true",
      knowledge: "false",
      approval: "not requested",
      upon_approval: "proceed",
      upon_reject: "cancel",
    },
  },
  incident: {
    parent: "task",
    prefix: "INC",
    strings: "close_code category subcategory",
    integers: "incident_state hold_reason severity notify reopen_count child_incidents",
    dates: "resolved_at reopened_time",
    references: {
      caller_id: "sys_user",
      resolved_by: "sys_user",
      problem_id: "problem",
      rfc: "change_request",
      caused_by: "change_request",
      parent_incident: "incident",
    },
    defaults: {
      category: "inquiry",
      severity: "3",
      notify: "1",
      reopen_count: "0",
      child_incidents: "0",
      priority: "5",
    },
  },
  change_request: {
    parent: "task",
    prefix: "CHG",
    strings:
      "type category reason justification implementation_plan risk_impact_analysis backout_plan test_plan " +
      "close_code conflict_status phase phase_state on_hold_reason review_comments cab_recommendation " +
      "chg_model std_change_producer_version",
    integers: "risk scope review_status",
    booleans: "cab_required on_hold production_system outside_maintenance_schedule unauthorized",
    dates: "start_date end_date cab_date conflict_last_run review_date",
    references: { requested_by: "sys_user", cab_delegate: "sys_user" },
    defaults: {
      state: "-5",
      type: "normal",
      category: "Other",
      risk: "3",
      scope: "3",
      phase: "requested",
      phase_state: "open",
      conflict_status: "Not Run",
      cab_required: "false",
      on_hold: "false",
      production_system: "false",
      outside_maintenance_schedule: "false",
      unauthorized: "false",
    },
  },
  problem: {
    parent: "task",
    prefix: "PRB",
    integers: "problem_state",
    strings: "cause_notes fix_notes",
    defaults: { state: "101" },
  },
  change_task: {
    parent: "task",
    prefix: "CTASK",
    references: { change_request: "change_request" },
    defaults: { state: "-5" },
  },
  sc_request: {
    parent: "task",
    prefix: "REQ",
    strings: "request_state stage price special_instructions",
    references: { requested_for: "sys_user" },
    defaults: { request_state: "in_process", stage: "requested" },
  },
  sc_req_item: {
    parent: "task",
    prefix: "RITM",
    strings: "stage price",
    integers: "quantity",
    references: { request: "sc_request", cat_item: "sc_cat_item", requested_for: "sys_user" },
    defaults: { stage: "request_approved", quantity: "1" },
  },
  sc_task: { parent: "task", prefix: "SCTASK", references: { request: "sc_request", request_item: "sc_req_item" } },
  sc_cat_item: { display: "name", strings: "name short_description", booleans: "active", defaults: { active: "true" } },
  sys_user: {
    display: "name",
    strings: "user_name name first_name last_name email title time_zone",
    booleans: "active locked_out web_service_access_only internal_integration_user",
    references: { manager: "sys_user" },
    defaults: {
      active: "true",
      locked_out: "false",
      web_service_access_only: "false",
      internal_integration_user: "false",
    },
  },
  sys_user_group: {
    display: "name",
    strings: "name email description type",
    booleans: "active",
    references: { manager: "sys_user", parent: "sys_user_group" },
    defaults: { active: "true" },
  },
  sys_user_grmember: { display: "user", references: { user: "sys_user", group: "sys_user_group" } },
  cmdb_ci: {
    display: "name",
    strings: "name short_description correlation_id serial_number category environment",
    integers: "operational_status install_status",
    dates: "last_discovered",
    references: {
      owned_by: "sys_user",
      managed_by: "sys_user",
      assigned_to: "sys_user",
      support_group: "sys_user_group",
      duplicate_of: "cmdb_ci",
    },
    defaults: { operational_status: "1", install_status: "1" },
  },
  cmdb_ci_service: { parent: "cmdb_ci", strings: "business_criticality busines_criticality service_classification" },
  cmdb_ci_server: { parent: "cmdb_ci", strings: "ip_address os" },
  sys_choice: {
    display: "label",
    strings: "name element value label language",
    integers: "sequence",
    booleans: "inactive",
    defaults: { language: "en", inactive: "false" },
  },
  sys_properties: {
    display: "name",
    strings: "name value type description read_roles write_roles",
    booleans: "is_private",
    defaults: { is_private: "false" },
  },
  sys_journal_field: { display: "element", strings: "element_id name element value" },
  sys_audit: {
    display: "fieldname",
    strings: "documentkey tablename fieldname oldvalue newvalue user",
    integers: "record_checkpoint",
  },
  ...ADMIN_TABLES,
  ...APPROVAL_TABLES,
  ...CMDB_TABLES,
};

const TYPES = [
  ["strings", "string"],
  ["integers", "integer"],
  ["booleans", "boolean"],
  ["dates", "date"],
  ["journals", "journal"],
] as const;

function fieldsOf(table: string, declaration: Declaration): Field[] {
  const fields: Field[] = [];
  for (const [group, type] of TYPES) {
    for (const word of (declaration[group] ?? "").split(" ").filter((part) => part !== "")) {
      const [name = "", length] = word.split(":");
      fields.push(length === undefined ? { name, type, table } : { name, type, table, lengthMax: Number(length) });
    }
  }
  for (const [name, reference] of Object.entries(declaration.references ?? {})) {
    fields.push({ name, type: "reference", table, reference });
  }
  return fields;
}

function build(): Map<string, Table> {
  const tables = new Map<string, Table>();
  // Parents stand before their children in DECLARATIONS.
  for (const [name, declaration] of Object.entries(DECLARATIONS)) {
    const parent = declaration.parent === undefined ? undefined : tables.get(declaration.parent);
    const inherited = parent === undefined ? fieldsOf(name, AUDIT) : [...parent.fields.values()];
    const fields = [...inherited, ...fieldsOf(name, declaration)];
    tables.set(name, {
      name,
      parent: declaration.parent,
      display: declaration.display ?? parent?.display ?? "sys_id",
      prefix: declaration.prefix ?? "",
      fields: new Map(fields.map((field) => [field.name, field])),
      defaults: { ...parent?.defaults, ...declaration.defaults },
    });
  }
  return tables;
}

export const TABLES: ReadonlyMap<string, Table> = build();

/** Finds the table or refuses in the API's words. */
export function tableNamed(name: string): Table {
  const table = TABLES.get(name);
  if (table === undefined) throw new ServiceNowError(400, `Invalid table ${name}`, null);
  return table;
}

/** The table and everything that extends it. */
export function withChildren(table: string): string[] {
  const family = [table];
  for (const other of TABLES.values()) {
    if (other.parent !== undefined && family.includes(other.parent)) family.push(other.name);
  }
  return family;
}

/** The declared field a dotted path ends at, or undefined when any step is unknown. */
export function fieldAt(table: string, path: string): Field | undefined {
  let at: string | undefined = table;
  let field: Field | undefined;
  for (const step of path.split(".")) {
    field = at === undefined ? undefined : TABLES.get(at)?.fields.get(step);
    if (field === undefined) return undefined;
    at = field.reference;
  }
  return field;
}
