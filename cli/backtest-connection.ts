import { InvalidArgumentError } from "commander";
import { installDispatcher } from "../connectors/jira/http.ts";
import { type RecordedType, recordedStates } from "../core/backtest/recorded.ts";
import { type Config, mappingsInUse } from "../core/config/load.ts";
import type { Connection } from "../core/config/settings.ts";
import type { Mapping } from "../core/mapping/mapping.ts";
import { didYouMean } from "../core/nearest.ts";
import type { Archive, Patience } from "../core/ports.ts";
import { connectionNamed } from "./account.ts";
import { policiesFrom } from "./backtest-policies.ts";
import type { OpenedHistory, SourceOptions } from "./backtest-source.ts";
import { readConfig } from "./config.ts";
import { connectorFor, mappingsOf } from "./desks.ts";
import { silentLog } from "./log.ts";
import { patientlyAs, polite } from "./look-back.ts";
import { startProgress } from "./progress.ts";
import { systemClock } from "./system.ts";

const TICKETS_DEFAULT = 20_000;
const TICKETS_MAX = 200_000;
/**
 * The history of a connection's tickets, read while it is replayed. Reads only, in any mode. Throws an
 * InvalidArgumentError, problems of the configuration, and a ConnectorError where the vendor cannot be asked.
 */
export async function openConnection(options: SourceOptions): Promise<OpenedHistory> {
  const { from, since } = options;
  const { sinceMs, most } = checked(options);
  const config = readConfig(options);
  const settings = connectionNamed(config.settings.connections, from);
  const mappings = mappingsOf(config.mappings, settings);
  const types = typesOf(options, mappings);
  const policies = policiesFrom(options, mappingsInUse(config.settings, config.mappings));
  const limits = polite(config.settings.limits);
  const { archive, close } = openArchive(from, settings, { ...config, settings: { ...config.settings, limits } });
  const patiently = patientlyAs(options.command ?? "backtest", limits);
  const nowMs = systemClock.now();
  try {
    const asked = { archive, types, sinceMs, patiently };
    const progress = startProgress({
      ...{ command: options.command ?? "backtest", what: `reading ${from}`, unit: "tickets" },
      total: await totalOf(asked, most),
    });
    let read = 0;
    const onRead = (): void => {
      read += 1;
      progress.at(read);
    };
    return {
      name: `${from} since ${since}`,
      source: recordedStates({ ...asked, nowMs, most, onRead }),
      policies,
      async close() {
        progress.end();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function checked({ from, since, mapping, most }: SourceOptions): { sinceMs: number; most: number } {
  if (since === undefined)
    throw new InvalidArgumentError(`say from which day on the tickets of ${from} are read, such as --since 2026-01-31`);
  if (mapping !== undefined)
    throw new InvalidArgumentError(`--mapping is for a file; tickets of ${from} are read by its own mappings`);
  const count = most === undefined ? TICKETS_DEFAULT : /^\d{1,9}$/.test(most) ? Number(most) : 0;
  if (count < 1 || count > TICKETS_MAX)
    throw new InvalidArgumentError(`--most ${most} is no number of tickets from 1 to ${TICKETS_MAX}`);
  return { sinceMs: Date.parse(`${since}T00:00:00Z`), most: count };
}

function typesOf({ from, type }: SourceOptions, mappings: ReadonlyMap<string, Mapping>): RecordedType[] {
  const known = [...mappings.keys()];
  return [...new Set(type ?? known)].map((recordType) => {
    const mapping = mappings.get(recordType);
    if (mapping) return { recordType, mapping };
    const meant = didYouMean(recordType, known);
    throw new InvalidArgumentError(
      `--type ${recordType} is no record type of ${from}. ${meant}It has ${known.join(", ")}`,
    );
  });
}

function openArchive(connection: string, settings: Connection, config: Config) {
  const { limits } = config.settings;
  const dispatcher = settings.type === "jira" ? installDispatcher(limits.callTimeoutMs) : undefined;
  const deps = { connection, limits, clock: systemClock, log: silentLog, meter: { count() {} } };
  const mappings = mappingsOf(config.mappings, settings);
  const archive = connectorFor(settings, () => mappings, deps);
  const close = async (): Promise<void> => {
    await archive.close();
    await dispatcher?.close();
  };
  return { archive, close };
}

interface Asked {
  archive: Archive;
  types: readonly RecordedType[];
  sinceMs: number;
  patiently: Patience;
}

/** About how many tickets will be read; undefined where a vendor does not say. */
async function totalOf({ archive, types, sinceMs, patiently }: Asked, most: number): Promise<number | undefined> {
  let total = 0;
  for (const { recordType, mapping } of types) {
    const { reads, transforms } = mapping;
    const opened = await archive.opened({ recordType, sinceMs, reads, transforms, patiently, remark() {} });
    if (opened === undefined) return undefined;
    total += opened;
  }
  return Math.min(total, most);
}
