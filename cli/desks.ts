import type { MayWrite } from "../connectors/calls.ts";
import { jiraConnector } from "../connectors/jira/connector.ts";
import { jiraWebhooks } from "../connectors/jira/webhook.ts";
import { servicenowConnector } from "../connectors/servicenow/connector.ts";
import { servicenowWebhooks } from "../connectors/servicenow/webhook.ts";
import type { Clock } from "../core/clock.ts";
import type { Config } from "../core/config/load.ts";
import type { Connection } from "../core/config/settings.ts";
import type { Approvals } from "../core/gates/approvals.ts";
import type { Limits } from "../core/limits.ts";
import type { Mapping } from "../core/mapping/mapping.ts";
import type { Archive, ChangeFeed, Connector, Log, Meter, WebhookSource } from "../core/ports.ts";
import type { Desk, FactSources } from "../core/reconcile/deps.ts";
import type { Swept } from "../core/sweep/schedule.ts";

export interface Desks {
  desks: ReadonlyMap<string, Desk>;
  sources: ReadonlyMap<string, WebhookSource>;
  /** What sweeps ask, with the record types of each connection. */
  swept: ReadonlyMap<string, Swept>;
}

interface ConnectorDeps {
  clock: Clock;
  log: Log;
  meter: Meter;
  /** Asked before every single call that writes; absent where nothing but the caller decides that. */
  mayWrite?: MayWrite;
}

type Opened = Connector & ChangeFeed & Archive & { facts: FactSources; approvals: Approvals | undefined };
type Mappings = ReadonlyMap<string, Mapping>;

/**
 * A connector, its mappings, its facts and its webhook check for every connection of a configuration. Mappings that are
 * replaced in `current` rule from then on, with the fields that they need; everything else is that of the start.
 */
export function openDesks(current: { config: Config }, deps: ConnectorDeps): Desks {
  const desks = new Map<string, Desk>();
  const sources = new Map<string, WebhookSource>();
  const swept = new Map<string, Swept>();
  const { limits, connections } = current.config.settings;
  const cmdb = onlyCmdb(current.config.settings);
  const opened = new Map(
    Object.entries(connections).map(([connection, settings]) => {
      const mappings = following(current, (all) => mappingsOf(all, settings));
      const connector = connectorFor(settings, mappings, { ...deps, connection, limits });
      return [connection, { settings, mappings, connector }];
    }),
  );
  for (const [connection, { settings, mappings, connector }] of opened) {
    const facts: FactSources = { ...borrowedFrom(opened.get(cmdb ?? "")?.connector.facts), ...connector.facts };
    const { approvals } = connector;
    desks.set(connection, {
      connector,
      mappings,
      facts,
      ...(approvals && { approvals }),
      host: new URL(settings.baseUrl).host,
    });
    swept.set(connection, { feed: connector, recordTypes: Object.keys(settings.records) });
    sources.set(connection, settings.type === "servicenow" ? servicenowWebhooks(settings) : jiraWebhooks(settings));
  }
  return { desks, sources, swept };
}

/** What an instance knows about tickets of other systems that name an item of its CMDB. */
function borrowedFrom({ ci, impact, aftermath }: FactSources = {}): FactSources {
  return { ...(ci && { ci }), ...(impact && { impact }), ...(aftermath && { aftermath }) };
}

/** The connection whose CMDB knows the items that Jira's tickets name: a ServiceNow that is the only one. */
export function onlyCmdb({ connections }: Config["settings"]): string | undefined {
  const [only, second] = Object.entries(connections).filter(([, { type }]) => type === "servicenow");
  return second === undefined ? only?.[0] : undefined;
}

/** The connector of one connection, with all that it can be asked. */
export function connectorFor(
  settings: Connection,
  mappings: () => Mappings,
  deps: ConnectorDeps & { connection: string; limits: Limits },
): Opened {
  const reads = (): [string, readonly string[]][] => [...mappings()].map(([type, mapping]) => [type, mapping.reads]);
  if (settings.type === "servicenow") return servicenowConnector({ ...deps, settings, fields: () => new Map(reads()) });
  return jiraConnector({ ...deps, settings, fields: () => [...new Set(reads().flatMap(([, fields]) => fields))] });
}

/** What is made of the mappings that rule; made again once they were replaced. */
function following<T>(current: { config: Config }, make: (mappings: Mappings) => T): () => T {
  let { mappings } = current.config;
  let made = make(mappings);
  return () => {
    if (current.config.mappings !== mappings) {
      mappings = current.config.mappings;
      made = make(mappings);
    }
    return made;
  };
}

/** The mappings of a connection's records, by record type. */
export function mappingsOf(all: Mappings, { records }: Connection): Mappings {
  const found = new Map<string, Mapping>();
  for (const [record, name] of Object.entries(records)) {
    const mapping = all.get(name);
    if (mapping) found.set(record, mapping);
  }
  return found;
}
