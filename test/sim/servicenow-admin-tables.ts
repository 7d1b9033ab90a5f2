/** Tables that only administrators look at. Which fields they have here: those that `connect` writes and `doctor` reads. */
import type { Declaration } from "./servicenow-schema.ts";

/** Joined to the tables of the simulator. Parents stand before their children. */
export const ADMIN_TABLES: Record<string, Declaration> = {
  sys_script: {
    display: "name",
    strings: "name collection when filter_condition condition script:100000 description",
    integers: "order",
    booleans: "active advanced action_insert action_update action_delete action_query",
    defaults: {
      active: "true",
      advanced: "false",
      order: "100",
      when: "before",
      action_insert: "false",
      action_update: "false",
      action_delete: "false",
      action_query: "false",
    },
  },
  sys_script_include: {
    display: "name",
    strings: "name api_name access script:100000 description",
    booleans: "active client_callable",
    defaults: { active: "true", client_callable: "false", access: "package_private" },
  },
  sys_user_role: { display: "name", strings: "name description" },
  sys_user_has_role: {
    display: "user",
    strings: "state",
    booleans: "inherited",
    references: { user: "sys_user", role: "sys_user_role" },
    defaults: { state: "active", inherited: "false" },
  },
  sys_db_object: { display: "label", strings: "name label", references: { super_class: "sys_db_object" } },
  sys_dictionary: {
    display: "element",
    strings: "name element internal_type reference",
    booleans: "active",
    defaults: { active: "true" },
  },
  sys_security_acl: {
    display: "name",
    strings: "name operation type condition script",
    booleans: "active",
    defaults: { active: "true", type: "record" },
  },
  sys_security_acl_role: {
    display: "sys_security_acl",
    references: { sys_security_acl: "sys_security_acl", sys_user_role: "sys_user_role" },
  },
};
