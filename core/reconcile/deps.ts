import type { Clock, Ids, Rng } from "../clock.ts";
import type { Mode } from "../config/settings.ts";
import type { Limits } from "../limits.ts";
import type { Mapping } from "../mapping/mapping.ts";
import type { FactName, Facts } from "../policy/facts.ts";
import type { Policy } from "../policy/policy.ts";
import type { Connector, Log, Meter } from "../ports.ts";
import type { Store } from "../store/store.ts";
import type { Ticket } from "../ticket.ts";

/** A connection with what is needed to work on its tickets. */
export interface Desk {
  connector: Connector;
  /** Vendor record type → mapping, as they are now: a batch works by those with whose fields it read. */
  mappings: () => ReadonlyMap<string, Mapping>;
  /** Whom to ask for the facts of a ticket; null: there is no answer. A fact without a source has none either. */
  facts?: { readonly [N in FactName]?: (ticket: Ticket) => Promise<NonNullable<Facts[N]> | null> };
  /** Where the connector calls, for whoever reads the log. */
  host?: string;
}

/** The most that may happen on a connection now: nothing while the kill switch of the policy is on. */
export function modeOf({ policy, mode }: Pick<ReconcileDeps, "policy" | "mode">, connection: string): Mode {
  return policy().autonomy.killSwitch ? "observe" : mode(connection);
}

/** Everything the loop is given. Nothing in `core/reconcile` reaches for the clock, the network or the environment. */
export interface ReconcileDeps {
  store: Store;
  desks: ReadonlyMap<string, Desk>;
  policy: () => Policy;
  /** Asked again before every write, so that a switch to observe takes effect at once, for all or for one connection. */
  mode: (connection: string) => Mode;
  /** False while another instance answers under a connection's address: none of its answers is about our tickets. */
  mayRead: (connection: string) => boolean;
  clock: Clock;
  rng: Rng;
  ids: Ids;
  log: Log;
  meter: Meter;
  limits: Limits;
  /** Name of this worker in leases and in the ledger. */
  worker: string;
}
