import Table from "cli-table3";
import { InvalidArgumentError } from "commander";
import { servicenowClient } from "../connectors/servicenow/client.ts";
import { itemConditions, type KnownItem } from "../connectors/servicenow/item-condition.ts";
import { type Listings, listings } from "../connectors/servicenow/listing.ts";
import { type NamedItems, namedItems } from "../connectors/servicenow/named-items.ts";
import { whole } from "../core/backtest/lines.ts";
import { cmdbCsv, cmdbHtml, nameOf, remedy, summary } from "../core/cmdb/pages.ts";
import { type CmdbReport, cmdbReport } from "../core/cmdb/report.ts";
import type { Config } from "../core/config/load.ts";
import type { ServiceNowConnection } from "../core/config/settings.ts";
import { DurationMs } from "../core/policy/duration.ts";
import type { Patience } from "../core/ports.ts";
import { connectionNamed } from "./account.ts";
import { type CommonOptions, readConfig } from "./config.ts";
import { onlyCmdb } from "./desks.ts";
import { patientlyAs, polite } from "./look-back.ts";
import { type Progress, startProgress } from "./progress.ts";
import { systemClock } from "./system.ts";
import { makeRoom, writeWhole } from "./whole-file.ts";

const SINCE_MAX_MS = 5 * 366 * 86_400_000;
const LIMIT_MAX = 1_000;
/** Items that are asked for together. */
const ITEMS_AT_ONCE = 50;

export interface CmdbReportOptions extends CommonOptions {
  connection?: string;
  since: string;
  limit: string;
  csv?: string;
  html?: string;
}

/** `interlock cmdb report`. Throws an InvalidArgumentError for wrong usage; what stands in the way of reading is thrown too. */
export async function reportCmdb(options: CmdbReportOptions): Promise<0> {
  const asked = { ageMs: ageOf(options), limit: limitOf(options) };
  for (const option of ["csv", "html"] as const)
    if (options[option] !== undefined) await makeRoom(`--${option}`, options[option]);
  const config = readConfig(options);
  const { name, settings } = cmdbOf(config, options.connection);
  const limits = polite(config.settings.limits);
  const deps = { connection: name, settings, limits, clock: systemClock, meter: { count() {} } };
  const client = servicenowClient(deps);
  const progress = startProgress({ command: "cmdb", what: `reading ${name}`, unit: "share" });
  const reading = { listings: listings(name, client), patiently: patientlyAs("cmdb", limits), progress };
  const report = await reportOf(reading, { name, tables: Object.keys(settings.records), ...asked }).finally(
    async () => {
      progress.end();
      await client.close();
    },
  );
  if (options.csv !== undefined) await writeWhole(options.csv, cmdbCsv(report));
  if (options.html !== undefined) await writeWhole(options.html, cmdbHtml(report));
  if (options.json) console.log(JSON.stringify(report));
  else printed(report, options);
  return 0;
}

function ageOf({ since }: CmdbReportOptions): number {
  const age = DurationMs.safeParse(since);
  if (age.success && age.data <= SINCE_MAX_MS) return age.data;
  throw new InvalidArgumentError(`--since ${since} is no length of time up to five years; write it as 90d`);
}

function limitOf({ limit }: CmdbReportOptions): number {
  const count = /^\d{1,6}$/.test(limit) ? Number(limit) : 0;
  if (count >= 1 && count <= LIMIT_MAX) return count;
  throw new InvalidArgumentError(`--limit ${limit} is no number of items from 1 to ${LIMIT_MAX}`);
}

function cmdbOf({ settings }: Config, wanted: string | undefined): { name: string; settings: ServiceNowConnection } {
  const name = wanted ?? onlyCmdb(settings);
  if (name === undefined)
    throw new InvalidArgumentError("there is not exactly one ServiceNow connection; name one with --connection");
  const connection = connectionNamed(settings.connections, name);
  if (connection.type === "servicenow") return { name, settings: connection };
  throw new InvalidArgumentError(`--connection ${name} is a Jira; the CMDB of a ServiceNow connection is looked at`);
}

interface Reading {
  listings: Listings;
  patiently: Patience;
  progress: Progress;
}

interface Wanted {
  name: string;
  tables: readonly string[];
  ageMs: number;
  limit: number;
}

async function reportOf(reading: Reading, { name, tables, ageMs, limit }: Wanted): Promise<CmdbReport> {
  const nowMs = systemClock.now();
  const sinceMs = nowMs - ageMs;
  const named = await namedItems(reading.listings, { tables, sinceMs, patiently: reading.patiently });
  const looked = named.items.slice(0, limit);
  const known = await knownOf(reading, looked);
  const items = looked.map(({ id, tickets }) => {
    const item = known.get(id);
    return { id, tickets, known: item && { ...item, services: item.services.map((service) => service.name) } };
  });
  const { tickets, cut } = named;
  return cmdbReport(items, { connection: name, sinceMs, nowMs, tickets, itemsNamed: named.items.length, cut });
}

async function knownOf(
  { listings: reader, patiently, progress }: Reading,
  looked: NamedItems["items"],
): Promise<Map<string, KnownItem>> {
  const known = new Map<string, KnownItem>();
  for (let start = 0; start < looked.length; start += ITEMS_AT_ONCE) {
    const ids = looked.slice(start, start + ITEMS_AT_ONCE).map(({ id }) => id);
    for (const [id, item] of await patiently(() => itemConditions(reader, ids))) known.set(id, item);
    progress.at((start + ids.length) / looked.length);
  }
  return known;
}

function printed(report: CmdbReport, { csv, html }: CmdbReportOptions): void {
  const style = { style: { head: [], border: [] }, wordWrap: true };
  const items = new Table({
    ...style,
    ...{ head: ["item", "score", "tickets", "reasons", "what to do"], colWidths: [28, 7, 9, 26, 50] },
  });
  for (const { reasons, ...item } of report.items)
    items.push([shown(nameOf(item)), item.score, whole(item.tickets), reasons.join(" "), remedy(reasons)]);
  const services = new Table({ ...style, head: ["service", "items", "tickets", "score"] });
  for (const { service, items: count, tickets, score } of report.services)
    services.push([shown(service), whole(count), whole(tickets), score]);
  if (report.items.length > 0) for (const table of [items, services]) console.log(table.toString());
  for (const line of [summary(report), ...report.notes]) console.log(line);
  for (const written of [csv, html]) if (written !== undefined) console.log(`Written: ${written}`);
}

/** Names as they may stand on a terminal, which would obey what is no character. */
function shown(name: string): string {
  return name.replace(/\p{Cc}/gu, " ");
}
