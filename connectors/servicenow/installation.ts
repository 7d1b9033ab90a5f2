import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** What stands on an instance so that its changes are told to us. Pure: the same settings give the same records. */
export interface Installation {
  connection: string;
  /** Tables that are mapped. */
  tables: readonly string[];
  /** user_name of our account, whose own changes are not told. */
  integrationUser: string;
  /** https://.../webhooks/<connection> */
  url: string;
  /** Standard Webhooks secret, with or without whsec_. */
  secret: string;
}

export const INSTALL_TABLES = ["sys_properties", "sys_script_include", "sys_script"] as const;
export type InstallTable = (typeof INSTALL_TABLES)[number];

export interface WantedRecord {
  table: InstallTable;
  /** As people read it. */
  label: string;
  /** What finds it again. */
  key: Readonly<Record<string, string>>;
  /** What it must hold; all of it can be read back. */
  fields: Readonly<Record<string, string>>;
  /** Written with the rest and never readable again; `fields` holds its fingerprint. */
  secret?: string;
}

export const SCRIPT_INCLUDE = "InterlockWebhook";

/** The script that runs on the instance. */
export function scriptSource(): string {
  return readFileSync(new URL("./app/src/scripts/InterlockWebhook.js", import.meta.url), "utf8");
}

/** In the order in which they are installed: a rule never stands there without what it calls. */
export function wantedRecords(installation: Installation): WantedRecord[] {
  return [
    ...properties(installation),
    scriptInclude(),
    ...installation.tables.map((table) => rule(table, installation)),
  ];
}

/** Names of all business rules of a connection begin like this. */
export function rulePrefix(connection: string): string {
  return `Interlock (${connection}): `;
}

export function propertyName(connection: string, which: "url" | "secret"): string {
  return `interlock.${connection}.${which}`;
}

/** Tells two secrets apart without saying anything about either. */
export function fingerprint(secret: string): string {
  return createHash("sha256")
    .update(`interlock key ${bare(secret)}`)
    .digest("hex")
    .slice(0, 12);
}

/** The part of the secret's description that names which secret it is. */
export function secretDescription(secret: string): string {
  return `Signs what Interlock is told. Set by interlock connect; key ${fingerprint(secret)}`;
}

function bare(secret: string): string {
  return secret.replace(/^whsec_/, "");
}

function properties({ connection, url, secret }: Installation): WantedRecord[] {
  const closed = { read_roles: "admin", write_roles: "admin" };
  const [urlName, secretName] = [propertyName(connection, "url"), propertyName(connection, "secret")];
  return [
    {
      table: "sys_properties",
      label: `system property ${urlName}`,
      key: { name: urlName },
      fields: {
        type: "string",
        value: url,
        description: "Where Interlock listens. Set by interlock connect",
        is_private: "false",
        ...closed,
      },
    },
    {
      table: "sys_properties",
      label: `system property ${secretName}`,
      key: { name: secretName },
      // A private property is left out of update sets, so that the secret stays on the instance it was given to.
      fields: { type: "password2", description: secretDescription(secret), is_private: "true", ...closed },
      secret: `whsec_${bare(secret)}`,
    },
  ];
}

function scriptInclude(): WantedRecord {
  return {
    table: "sys_script_include",
    label: `script include ${SCRIPT_INCLUDE}`,
    key: { name: SCRIPT_INCLUDE },
    fields: {
      active: "true",
      client_callable: "false",
      access: "package_private",
      description: "Tells Interlock that a record may have changed, signed. Set by interlock connect",
      script: scriptSource(),
    },
  };
}

function rule(table: string, { connection, integrationUser }: Installation): WantedRecord {
  return {
    table: "sys_script",
    label: `business rule on ${table}`,
    key: { name: `${rulePrefix(connection)}${table}`, collection: table },
    fields: {
      active: "true",
      advanced: "true",
      // What the form calls "async"; the plain word is the older kind, which keeps a rule from seeing the record's class.
      when: "async_always",
      action_insert: "true",
      action_update: "true",
      action_delete: "false",
      action_query: "false",
      order: "10000",
      filter_condition: `sys_updated_by!=${integrationUser}^EQ`,
      condition: "",
      description: "Tells Interlock that a record may have changed. Set by interlock connect",
      script: ruleScript(table, connection),
    },
  };
}

function ruleScript(table: string, connection: string): string {
  return `(function executeRule(current, previous) {\n    new ${SCRIPT_INCLUDE}('${connection}').tell('${table}', current);\n})(current, previous);\n`;
}
