import type { Finding, RecordNeeds } from "../connectors/finding.ts";
import { examineJira } from "../connectors/jira/doctor.ts";
import { installDispatcher } from "../connectors/jira/http.ts";
import { jiraInspection } from "../connectors/jira/inspect.ts";
import { servicenowClient } from "../connectors/servicenow/client.ts";
import { examineServiceNow } from "../connectors/servicenow/doctor.ts";
import type { Clock } from "../core/clock.ts";
import { parseYaml } from "../core/config/document.ts";
import type { Config } from "../core/config/load.ts";
import type { Connection } from "../core/config/settings.ts";
import { fieldsSetBy, valuesWritten } from "../core/live/mapped.ts";
import { MappingFile } from "../core/mapping/schema.ts";
import type { FactName } from "../core/policy/facts.ts";
import { SETTABLE_FIELDS } from "../core/ticket.ts";
import { asAccount, connectionNamed, webhookUrl } from "./account.ts";
import { type CommonOptions, foldersFrom, readConfig } from "./config.ts";
import { onlyCmdb } from "./desks.ts";
import { diskFiles, systemClock } from "./system.ts";

export interface DoctorOptions extends CommonOptions {
  /** Administrator to look into the set-up as; the account's own rights are checked as the account all the same. */
  as?: string;
  publicUrl?: string;
}

export interface ConnectionFinding extends Finding {
  connection: string;
}

/** `interlock doctor`: looks, changes nothing. 1 on any error, 0 where there are warnings only. */
export async function doctor(name: string | undefined, options: DoctorOptions): Promise<0 | 1> {
  const config = readConfig(options);
  const { connections } = config.settings;
  const wanted = name === undefined ? connections : { [name]: connectionNamed(connections, name) };
  const found: ConnectionFinding[] = [];
  for (const [connection, settings] of Object.entries(wanted)) {
    const findings = await examine(connection, settings, { config, options, clock: systemClock, env: process.env });
    found.push(...findings.map((finding) => ({ connection, ...finding })));
  }
  const ok = !found.some(({ severity }) => severity === "error");
  if (options.json) console.log(JSON.stringify({ ok, findings: found }));
  else for (const line of report(found, Object.keys(wanted))) console.log(line);
  return ok ? 0 : 1;
}

function report(found: readonly ConnectionFinding[], names: readonly string[]): string[] {
  const lines = found.map(
    ({ severity, connection, check, where, what, fix }) =>
      `${severity} ${connection} ${check}: ${where}: ${what}. ${fix}.`,
  );
  const count = (severity: string): number => found.filter((finding) => finding.severity === severity).length;
  return [...lines, `${names.join(", ")}: ${count("error")} errors, ${count("warning")} warnings.`];
}

export interface Examining {
  config: Config;
  options: DoctorOptions;
  clock: Clock;
  env: NodeJS.ProcessEnv;
}

/** What is wrong with one connection. */
export async function examine(
  connection: string,
  settings: Connection,
  { config, options, clock, env }: Examining,
): Promise<Finding[]> {
  const { limits } = config.settings;
  const records = needsOf(config, settings, foldersFrom(options, env).mappings);
  const common = {
    connection,
    records,
    groups: groupsOf(config),
    facts: factsOf(config, settings),
    secret: settings.webhookSecrets?.at(-1),
    url: options.publicUrl === undefined ? undefined : webhookUrl(connection, settings, options.publicUrl),
    callTimeoutMs: limits.callTimeoutMs,
    clock,
  };
  if (settings.type === "servicenow") {
    const open = (used: typeof settings) =>
      servicenowClient({ connection, settings: used, limits, clock, meter: { count() {} } });
    const [client, admin] = [open(settings), open(asAccount(settings, options.as, env))];
    try {
      return await examineServiceNow({ ...common, settings, client, admin });
    } finally {
      await Promise.all([client.close(), admin.close()]);
    }
  }
  const dispatcher = installDispatcher(limits.callTimeoutMs);
  try {
    const inspect = (used: typeof settings) => jiraInspection(connection, used, clock);
    return await examineJira({
      ...common,
      settings,
      cmdb: onlyCmdb(config.settings),
      jira: inspect(settings),
      admin: inspect(asAccount(settings, options.as, env)),
    });
  } finally {
    await dispatcher.close();
  }
}

/** Groups that routing rules assign to. */
function groupsOf({ policy }: Config): string[] {
  const { rules, fallback } = policy.routing;
  const names = [...rules, fallback].flatMap(({ desired }) =>
    desired.assignmentGroup === undefined ? [] : [String(desired.assignmentGroup)],
  );
  return [...new Set(names)];
}

/** Facts that rules ask for about tickets of a connection; spend is asked of requests. */
function factsOf({ policy, mappings }: Config, { type, records }: Connection): FactName[] {
  const hasRequests = Object.values(records).some((name) => mappings.get(name)?.kind === "request");
  return policy.asks.filter((name) => name !== "spend" || type === "servicenow" || hasRequests);
}

function needsOf(config: Config, settings: Connection, folder: string): RecordNeeds[] {
  const set = fieldsSetBy(config.policy);
  return Object.entries(settings.records).flatMap(([record, name]) => {
    const mapping = config.mappings.get(name);
    if (!mapping) return [];
    const { fields } = mappingFile(`${folder}/${name}.yaml`);
    const needs: RecordNeeds = { record, mapping: name, reads: mapping.reads, writes: [], values: [] };
    const writes = new Set<string>();
    const values: RecordNeeds["values"][number][] = [];
    for (const [key, rule] of Object.entries(fields)) {
      const settable = SETTABLE_FIELDS.find((field) => field === key);
      const isSet = settable !== undefined && set.has(settable) && mapping.canWrite(settable);
      const table = typeof rule?.write === "object" ? Object.values(rule.write) : undefined;
      if (isSet) for (const path of table ? table.flatMap(Object.keys) : [rule?.from ?? ""]) writes.add(path);
      if (rule?.from === undefined || rule.values === undefined) continue;
      const written = [...valuesWritten({ field: key, rule }, mapping, set)];
      values.push({ path: rule.from, known: Object.keys(rule.values), written });
    }
    return [{ ...needs, writes: [...writes].filter((path) => path !== ""), values }];
  });
}

/** The file of a mapping that has been loaded, for what its compiled form does not show. */
function mappingFile(path: string): MappingFile {
  const parsed = parseYaml(path, diskFiles.read(path) ?? "");
  if ("problems" in parsed) throw new Error(`${path} changed while doctor was running; run it again`);
  return MappingFile.parse(parsed.file.value);
}
