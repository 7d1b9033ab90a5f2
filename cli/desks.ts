import { jiraConnector } from "../connectors/jira/connector.ts";
import { jiraWebhooks } from "../connectors/jira/webhook.ts";
import { servicenowConnector } from "../connectors/servicenow/connector.ts";
import { servicenowWebhooks } from "../connectors/servicenow/webhook.ts";
import type { Clock } from "../core/clock.ts";
import type { Config } from "../core/config/load.ts";
import type { Connection } from "../core/config/settings.ts";
import type { Mapping } from "../core/mapping/mapping.ts";
import type { ChangeFeed, Connector, Log, Meter, WebhookSource } from "../core/ports.ts";
import type { Desk, FactSources } from "../core/reconcile/deps.ts";
import type { Swept } from "../core/sweep/schedule.ts";

export interface Desks {
  desks: ReadonlyMap<string, Desk>;
  sources: ReadonlyMap<string, WebhookSource>;
  /** What sweeps ask, with the record types of each connection. */
  swept: ReadonlyMap<string, Swept>;
}

type Opened = Connector & ChangeFeed & { facts: FactSources };

/** A connector, its mappings, its facts and its webhook check for every connection of a configuration. */
export function openDesks(config: Config, deps: { clock: Clock; log: Log; meter: Meter }): Desks {
  const desks = new Map<string, Desk>();
  const sources = new Map<string, WebhookSource>();
  const swept = new Map<string, Swept>();
  const ci = onlyCmdb(config.settings);
  const opened = new Map(
    Object.entries(config.settings.connections).map(([connection, settings]) => {
      const mappings = mappingsOf(config, settings);
      return [
        connection,
        { settings, mappings, connector: connectorFor(connection, settings, mappings, { ...deps, config }) },
      ];
    }),
  );
  for (const [connection, { settings, mappings, connector }] of opened) {
    const borrowed = ci === undefined ? undefined : opened.get(ci)?.connector.facts.ci;
    const facts: FactSources = { ...(borrowed && { ci: borrowed }), ...connector.facts };
    desks.set(connection, { connector, mappings, facts, host: new URL(settings.baseUrl).host });
    swept.set(connection, { feed: connector, recordTypes: Object.keys(settings.records) });
    sources.set(connection, settings.type === "servicenow" ? servicenowWebhooks(settings) : jiraWebhooks(settings));
  }
  return { desks, sources, swept };
}

/** The connection whose CMDB knows the items that Jira's tickets name: a ServiceNow that is the only one. */
export function onlyCmdb({ connections }: Config["settings"]): string | undefined {
  const [only, second] = Object.entries(connections).filter(([, { type }]) => type === "servicenow");
  return second === undefined ? only?.[0] : undefined;
}

function connectorFor(
  connection: string,
  settings: Connection,
  mappings: ReadonlyMap<string, Mapping>,
  { config, clock, log, meter }: { config: Config; clock: Clock; log: Log; meter: Meter },
): Opened {
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

function mappingsOf(config: Config, settings: Connection): ReadonlyMap<string, Mapping> {
  const found = new Map<string, Mapping>();
  for (const [record, name] of Object.entries(settings.records)) {
    const mapping = config.mappings.get(name);
    if (mapping) found.set(record, mapping);
  }
  return found;
}
