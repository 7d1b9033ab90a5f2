import { jiraConnector } from "../connectors/jira/connector.ts";
import { jiraWebhooks } from "../connectors/jira/webhook.ts";
import { servicenowConnector } from "../connectors/servicenow/connector.ts";
import { servicenowWebhooks } from "../connectors/servicenow/webhook.ts";
import type { Clock } from "../core/clock.ts";
import type { Config } from "../core/config/load.ts";
import type { Connection } from "../core/config/settings.ts";
import type { Mapping } from "../core/mapping/mapping.ts";
import type { Archive, ChangeFeed, Connector, Log, Meter, WebhookSource } from "../core/ports.ts";
import type { Desk } from "../core/reconcile/deps.ts";
import type { Swept } from "../core/sweep/schedule.ts";

export interface Desks {
  desks: ReadonlyMap<string, Desk>;
  sources: ReadonlyMap<string, WebhookSource>;
  /** What sweeps ask, with the record types of each connection. */
  swept: ReadonlyMap<string, Swept>;
}

/** A connector, its mappings and its webhook check for every connection of a configuration. */
export function openDesks(config: Config, deps: { clock: Clock; log: Log; meter: Meter }): Desks {
  const desks = new Map<string, Desk>();
  const sources = new Map<string, WebhookSource>();
  const swept = new Map<string, Swept>();
  for (const [connection, settings] of Object.entries(config.settings.connections)) {
    const mappings = mappingsOf(config, settings);
    const connector = connectorFor(connection, settings, mappings, { ...deps, config });
    desks.set(connection, { connector, mappings, host: new URL(settings.baseUrl).host });
    swept.set(connection, { feed: connector, recordTypes: Object.keys(settings.records) });
    sources.set(connection, settings.type === "servicenow" ? servicenowWebhooks(settings) : jiraWebhooks(settings));
  }
  return { desks, sources, swept };
}

/** The connector of one connection, with all that it can be asked. */
export function connectorFor(
  connection: string,
  settings: Connection,
  mappings: ReadonlyMap<string, Mapping>,
  { config, clock, log, meter }: { config: Config; clock: Clock; log: Log; meter: Meter },
): Connector & ChangeFeed & Archive {
  const { limits } = config.settings;
  const reads = [...mappings].map(([type, mapping]): [string, readonly string[]] => [type, mapping.reads]);
  if (settings.type === "servicenow")
    return servicenowConnector({ connection, settings, limits, clock, meter, fields: new Map(reads) });
  return jiraConnector({
    connection,
    settings,
    limits,
    clock,
    meter,
    log,
    fields: [...new Set(reads.flatMap(([, fields]) => fields))],
  });
}

/** Record type → its mapping. */
export function mappingsOf(config: Config, settings: Connection): ReadonlyMap<string, Mapping> {
  const found = new Map<string, Mapping>();
  for (const [record, name] of Object.entries(settings.records)) {
    const mapping = config.mappings.get(name);
    if (mapping) found.set(record, mapping);
  }
  return found;
}
