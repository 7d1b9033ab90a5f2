import type { Adviser } from "../advice/adviser.ts";
import type { Watch } from "../advice/watch.ts";
import type { Clock, Ids, Rng } from "../clock.ts";
import type { Mode } from "../config/settings.ts";
import type { Approvals } from "../gates/approvals.ts";
import type { Limits } from "../limits.ts";
import type { Mapping } from "../mapping/mapping.ts";
import type { IncidentCounts } from "../policy/aftermath.ts";
import type { FactName, Facts } from "../policy/facts.ts";
import type { Policy } from "../policy/policy.ts";
import type { Connector, Log, Meter } from "../ports.ts";
import type { Store } from "../store/store.ts";
import type { Ticket } from "../ticket.ts";

/** Of what follows from a change a system knows its incidents; the rest is known here. */
export type AnswerOf<N extends FactName> = N extends "aftermath" ? IncidentCounts : NonNullable<Facts[N]>;

/** Who answers one fact about tickets. */
export interface FactSource<N extends FactName> {
  /** The connection that is asked, which need not be the ticket's own. */
  connection: string;
  /** Null: there is no answer. Whatever goes wrong is a ConnectorError; an answer that was cut is one, never a short one. */
  ask(ticket: Ticket): Promise<AnswerOf<N> | null>;
}

/** Whom to ask for which fact. A fact without a source has no answer. */
export type FactSources = { readonly [N in FactName]?: FactSource<N> };

/** A connection with what is needed to work on its tickets. */
export interface Desk {
  connector: Connector;
  /** Vendor record type → mapping, as they are now: a batch works by those with whose fields it read. */
  mappings: () => ReadonlyMap<string, Mapping>;
  facts?: FactSources;
  /** Where the connection's people approve; absent where nothing says so. */
  approvals?: Approvals;
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
  /** Makes sure that `mode` knows what other processes have lowered, of no more than a second ago; absent where there are none. */
  refreshMode?: () => Promise<void>;
  /** False while another instance answers under a connection's address: none of its answers is about our tickets. */
  mayRead: (connection: string) => boolean;
  /** Whom to ask for advice; absent where AI is off. */
  adviser?: Pick<Adviser, "classify" | "assess" | "summarise">;
  /** The ledger's last checkpoint as a line for notes; undefined before there is one. */
  witness?: () => string | undefined;
  /** Is told what advice turned out to be, once that is durable. */
  watch?: Pick<Watch, "look">;
  clock: Clock;
  rng: Rng;
  ids: Ids;
  log: Log;
  meter: Meter;
  limits: Limits;
  /** Name of this worker in leases and in the ledger. */
  worker: string;
}
