import type { Action, Decision, Skip } from "../decision.ts";
import type { Draft, Entry, Head } from "../ledger/entry.ts";
import type { ClocksFact } from "../policy/facts.ts";
import type { WriteBasis } from "../ports.ts";
import type { FieldValue, SettableField } from "../ticket.ts";

/** A verified hint on its way into the work set. */
export interface NewSignal {
  connection: string;
  cause: "webhook" | "sweep" | "timer" | "redrive";
  deliveryId: string | null;
  bodyDigest: string | null;
  receivedAtMs: number;
  /** The record it points at, or why none could be told (it is parked then), or null for one we have no mapping for. */
  target: { type: string; recordId: string; recordKey?: string } | { unlocated: string } | null;
}

/** What we remember of a field we have written. */
export interface FieldMemory {
  /** Our last value; absent when we never wrote it. */
  wrote?: FieldValue;
  /** A person changed it after us: it is theirs, and we leave it alone for good. */
  theirs: boolean;
  /** When we wrote it lately, in ms, oldest first; feeds the convergence breaker. */
  writes: number[];
}

/** What we remember of a ticket between two looks at it. */
export interface TicketMemory {
  revision: string;
  decisionId: string;
  outcomeDigest: string;
  /** Digest of the outcome that a note has suggested; empty where none has. */
  suggestedDigest: string;
  fields: Partial<Record<SettableField, FieldMemory>>;
  /** Clocks as the last decision left them. */
  clocks: ClocksFact;
}

/** An action on its way into the store; `basis` stays out of the ledger. */
export type Intent = Action & { basis?: WriteBasis };

export type OpenAction = Intent & {
  intentAtMs: number;
  /** Since when its outcome is in doubt; the intent, where nothing later is known. */
  inDoubtSinceMs: number;
};

/** A ticket leased to one worker. Every write that follows carries its fence. */
export interface Claim {
  ticket: string;
  connection: string;
  type: string;
  recordId: string;
  recordKey: string | null;
  generation: number;
  fence: number;
  attempts: number;
  outages: number;
  /** By the clock of the store, as intents are. */
  claimedAtMs: number;
  memory: TicketMemory | undefined;
  /** Writes whose outcome is not known: a worker died, or the vendor never answered. */
  open: OpenAction[];
}

export type ReceiptOutcome = "applied" | "unconfirmed" | "dropped" | "found" | "abandoned";

export interface Receipt {
  actionId: string;
  outcome: ReceiptOutcome;
  detail: string;
}

export interface Settlement {
  recordKey: string;
  revision: string;
  /** A decision with another outcome than the one remembered; absent where nothing new was decided. */
  decided?: { decision: Decision; outcomeDigest: string };
  /** The outcome that a note has suggested; absent where this look suggested nothing. */
  suggestedDigest?: string;
  /** Wanted values that are not written, and why. */
  skips?: readonly Skip[];
  fields: TicketMemory["fields"];
  /** When the ticket wants to be looked at again, in ms; null when only a hint should wake it. */
  wakeAtMs: number | null;
  /** What became of writes: in one commit with what is remembered of them, or a crash between loses whose the field is. */
  receipts?: readonly Receipt[];
  /** Set when a person is waited for: the ticket is remembered and parked in one. */
  park?: { reason: string; detail: string };
  entries: Draft[];
}

export interface Parked {
  ticket: string;
  connection: string;
  key: string;
  reason: string;
  detail: string;
  parkedAtMs: number;
  attempts: number;
}

export interface TicketView {
  ticket: string;
  connection: string;
  key: string;
  revision: string;
  decision: Decision | undefined;
  /** Values that the decision asks for and that were not written. */
  skips: Skip[];
  fields: TicketMemory["fields"];
  actions: (Action & { state: string; intentAtMs: number; receiptAtMs: number | null; detail: string })[];
  dueAtMs: number | null;
  parked: { reason: string; detail: string; atMs: number } | undefined;
  settledAtMs: number | undefined;
}

export interface Counts {
  signals: number;
  /** Tickets with something due or in work. */
  pending: number;
  parked: number;
  leased: number;
  ledger: number;
}

/**
 * The one place where state lives, over SQLite or PostgreSQL with the same promises: what returned is durable; a write
 * with a stale fence changes nothing and answers false; ledger entries stand or fall with what they tell of.
 */
export interface Store {
  /** Records hints and makes their tickets due after `settleMs`, all in one commit. Answers in the order of `signals`. */
  accept(signals: readonly NewSignal[], settleMs: number): Promise<("accepted" | "duplicate")[]>;
  /** Leases up to `limit` tickets that are due, longest due first. */
  claim(owner: string, limit: number, leaseMs: number): Promise<Claim[]>;
  /** Milliseconds until the next unleased ticket is due; undefined when none is. */
  nextDueMs(): Promise<number | undefined>;
  /** Records the intent of writes before any call is made. */
  intend(claim: Claim, actions: readonly Intent[], entries: readonly Draft[]): Promise<boolean>;
  /** Records what became of writes. */
  receive(claim: Claim, receipts: readonly Receipt[]): Promise<boolean>;
  /** A call ended without an answer: the time in which it may still be applied starts now. */
  doubt(claim: Claim): Promise<boolean>;
  /** Ends a claim: remembers the ticket, and leaves it due when hints came meanwhile, though not before `restMs` are over. */
  settle(claim: Claim, settlement: Settlement, restMs?: number): Promise<boolean>;
  /** Ends a claim with nothing to remember. */
  finish(claim: Claim, restMs?: number): Promise<boolean>;
  /** Ends a claim that failed: due again after `delayMs`, counted against its own tries or its system's outage. */
  retry(claim: Claim, delayMs: number, counts: "attempt" | "outage" | "neither"): Promise<boolean>;
  /** Ends a claim for good, until a new hint or a redrive. */
  park(claim: Claim, reason: string, detail: string): Promise<boolean>;
  /** Leases claims anew from now on, those that are still ours. Answers how many were. */
  renew(claims: readonly Claim[], leaseMs: number): Promise<number>;
  /** Gives claims back untouched, due at once. Answers how many were still ours. */
  release(claims: readonly Claim[]): Promise<number>;
  /** Makes a parked ticket due again; false when there is no such parked ticket. */
  redrive(connection: string, key: string, by: string): Promise<boolean>;
  parked(limit: number): Promise<Parked[]>;
  view(connection: string, key: string): Promise<TicketView | undefined>;
  counts(): Promise<Counts>;
  append(drafts: readonly Draft[]): Promise<Head>;
  /** Entries after `seq`, in order. */
  entries(afterSeq: number, limit: number): Promise<Entry[]>;
  /** Forgets deliveries older than `beforeMs`; at most `limit` of them. Answers how many. */
  forgetSignals(beforeMs: number, limit: number): Promise<number>;
  watermark(connection: string, type: string): Promise<string | undefined>;
  setWatermark(connection: string, type: string, value: string): Promise<void>;
  /** Proves that a write would be taken now; throws StoreUnavailableError otherwise. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
