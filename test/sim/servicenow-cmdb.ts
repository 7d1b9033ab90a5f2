/** The tables that tie configuration items to each other, to services and to tasks; plain records, no rules of their own. */
import type { Declaration } from "./servicenow-schema.ts";

export const CMDB_TABLES: Record<string, Declaration> = {
  cmdb_rel_type: { display: "name", strings: "name parent_descriptor child_descriptor" },
  cmdb_rel_ci: { display: "type", references: { parent: "cmdb_ci", child: "cmdb_ci", type: "cmdb_rel_type" } },
  svc_ci_assoc: { display: "service_id", references: { service_id: "cmdb_ci_service", ci_id: "cmdb_ci" } },
  task_ci: {
    display: "ci_item",
    booleans: "applied manual_proposed_change",
    references: { task: "task", ci_item: "cmdb_ci" },
    defaults: { applied: "false", manual_proposed_change: "false" },
  },
  task_cmdb_ci_service: {
    display: "cmdb_ci_service",
    references: { task: "task", cmdb_ci_service: "cmdb_ci_service" },
  },
};

/** "Parent descriptor::Child descriptor", as the base system names its relations. */
export const RELATION_TYPES = [
  "Depends on::Used by",
  "Runs on::Runs",
  "Hosted on::Hosts",
  "Contains::Contained by",
  "Members::Member of",
  "Impacts::Impacted by",
  "Powers::Powered by",
  "Connects to::Connected by",
];

interface Inserts {
  insert(table: string, fields: Record<string, string>, by: { by: string }): unknown;
}

/** Puts the base system's relation types in. */
export function seedRelationTypes(store: Inserts): void {
  for (const name of RELATION_TYPES) {
    const [parent_descriptor = "", child_descriptor = ""] = name.split("::");
    store.insert("cmdb_rel_type", { name, parent_descriptor, child_descriptor }, { by: "system" });
  }
}
