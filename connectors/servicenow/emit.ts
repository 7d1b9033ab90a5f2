import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Installation, type WantedRecord, wantedRecords } from "./installation.ts";

const APP_FILES = ["package.json", "now.config.json", "README.md", "src/scripts/InterlockWebhook.js"];

/**
 * What an administrator installs by hand, as path → text: an update set, and the same as a Now SDK project. Neither holds
 * the secret: whoever installs it makes that property in the instance.
 */
export function handInstall(installation: Installation): Map<string, string> {
  const files = new Map([["update-set.xml", updateSet(installation)]]);
  for (const path of APP_FILES)
    files.set(`app/${path}`, readFileSync(new URL(`./app/${path}`, import.meta.url), "utf8"));
  files.set("app/src/fluent/index.now.ts", fluent(installation));
  return files;
}

/** The project's records, one call each: the Now SDK reads them without running the file, so a loop would be lost on it. */
function fluent(installation: Installation): string {
  const records = portable(installation).map(({ table, key, fields }) => {
    const name = key["name"] ?? "";
    const common = { name, description: fields["description"] };
    if (table === "sys_properties")
      return call("Property", name, { ...common, type: "string", value: fields["value"], isPrivate: false });
    if (table === "sys_script_include")
      return call("ScriptInclude", name, {
        ...common,
        script: undefined,
        clientCallable: false,
        accessibleFrom: fields["access"],
        active: true,
      }).replace("script: undefined", 'script: Now.include("../scripts/InterlockWebhook.js")');
    return call("BusinessRule", name, {
      ...common,
      table: key["collection"],
      when: "async",
      action: ["insert", "update"],
      order: Number(fields["order"]),
      filterCondition: fields["filter_condition"],
      script: fields["script"],
      active: true,
    });
  });
  const imports =
    'import "@servicenow/sdk/global";\nimport { BusinessRule, Property, ScriptInclude } from "@servicenow/sdk/core";';
  return `${imports}\n\n${records.join("\n\n")}\n`;
}

function call(kind: string, name: string, fields: Readonly<Record<string, unknown>>): string {
  const lines = Object.entries(fields).map(([field, value]) => `  ${field}: ${JSON.stringify(value)},\n`);
  return `${kind}({\n  $id: Now.ID[${JSON.stringify(`${kind} ${name}`)}],\n${lines.join("")}});`;
}

/** What may travel in a file: all but the secret. */
function portable(installation: Installation): WantedRecord[] {
  return wantedRecords(installation).filter(({ secret }) => secret === undefined);
}

/** The form in which an instance exports update sets; System Update Sets > Retrieved Update Sets > Import reads it. */
function updateSet(installation: Installation): string {
  const setId = sysId(`set ${installation.connection}`);
  const name = `Interlock (${installation.connection})`;
  const remote = element("sys_remote_update_set", { action: "INSERT_OR_UPDATE" }, [
    text("name", name),
    text("description", "Tells Interlock of changed records. Make the property that ends in .secret after committing."),
    text("application", "global"),
    text("state", "loaded"),
    text("remote_sys_id", setId),
    text("sys_id", setId),
  ]);
  const updates = portable(installation).map((record) => updateOf(record, setId));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<unload>\n${[remote, ...updates].join("\n")}\n</unload>\n`;
}

function updateOf({ table, label, key, fields }: WantedRecord, setId: string): string {
  const id = sysId(`${table} ${Object.values(key).join(" ")}`);
  const values = Object.entries({ ...key, ...fields }).map(([name, value]) => text(name, value));
  const record = element(table, { action: "INSERT_OR_UPDATE" }, [
    ...values,
    text("sys_id", id),
    text("sys_scope", "global"),
  ]);
  const payload = `<?xml version="1.0" encoding="UTF-8"?>${element("record_update", { table }, [record])}`;
  return element("sys_update_xml", { action: "INSERT_OR_UPDATE" }, [
    text("action", "INSERT_OR_UPDATE"),
    text("application", "global"),
    text("category", "customer"),
    text("name", `${table}_${id}`),
    text("payload", payload),
    text("remote_update_set", setId),
    text("sys_id", sysId(`update ${table} ${Object.values(key).join(" ")}`)),
    text("target_name", label),
    text("type", table),
  ]);
}

/** The same record has the same id in every export, so that importing again updates it. */
function sysId(what: string): string {
  return createHash("sha256").update(`interlock ${what}`).digest("hex").slice(0, 32);
}

function element(name: string, attributes: Readonly<Record<string, string>>, children: readonly string[]): string {
  const given = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`);
  return `<${name}${given.join("")}>${children.join("")}</${name}>`;
}

function text(name: string, value: string): string {
  return `<${name}>${escaped(value)}</${name}>`;
}

function escaped(value: string): string {
  return value.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
