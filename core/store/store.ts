import type { AdviceMemory, AdviceOutcome, Advised } from "../advice/remembered.ts";
import type { Action, Decision, Skip } from "../decision.ts";
import type { GateMemory, GateRound } from "../gates/gate.ts";
import type { Draft, Entry, Head } from "../ledger/entry.ts";
import type { Evidence } from "../ledger/evidence.ts";
import type { ClocksFact } from "../policy/facts.ts";
import type { Inputs } from "../policy/inputs.ts";
import type { KeptPolicy, TracedRule } from "../policy/policy.ts";
import type { WriteBasis } from "../ports.ts";
import type { RevokedEnd } from "../revocation.ts";
import type { FieldValue, SettableField } from "../ticket.ts";
import type { Completeness, CompletenessQuery } from "./arrivals.ts";
import type { CheckReport } from "./checks.ts";
import type { RevocationMemory, Undoing } from "./undoing.ts";

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
  /** What was asked of people, a round for each rule. */
  gates: GateMemory[];
  /** Labels that advice gave it and that people have not yet answered by closing it. */
  advised: Advised[];
}

/** An action on its way into the store; `basis` and `round` stay out of the ledger. */
export type Intent = Action & { basis?: WriteBasis; round?: GateRound };

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
  /** What is to be undone of it; absent where nothing is. */
  undoing?: Undoing;
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
  decided?: { decision: Decision; outcomeDigest: string; inputs: Inputs };
  /** The outcome that a note has suggested; absent where this look suggested nothing. */
  suggestedDigest?: string;
  /** Wanted values that are not written, and why. */
  skips?: readonly Skip[];
  fields: TicketMemory["fields"];
  /** What was asked of people; absent where nothing of it changed. */
  gates?: readonly GateMemory[];
  /** Labels that advice gave it, from now on; absent where nothing of it changed. */
  advised?: readonly Advised[];
  /** What labels turned out to be: recorded once, with what is remembered of them. */
  outcomes?: readonly AdviceOutcome[];
  /** When the ticket wants to be looked at again, in ms; null when only a hint should wake it. */
  wakeAtMs: number | null;
  /** What became of writes: in one commit with what is remembered of them, or a crash between loses whose the field is. */
  receipts?: readonly Receipt[];
  /** What became of actions that were to be undone. */
  revoked?: readonly RevokedEnd[];
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
  /** The rules of the decision's policy version, for its trace. */
  rules: TracedRule[] | undefined;
  /** Values that the decision asks for and that were not written. */
  skips: Skip[];
  gates: GateMemory[];
  fields: TicketMemory["fields"];
  actions: (Action & { state: string; intentAtMs: number; receiptAtMs: number | null; detail: string })[];
  dueAtMs: number | null;
  parked: { reason: string; detail: string; atMs: number } | undefined;
  /** What its last try failed with, where another is to come; its tries for its own reasons and for outages. */
  failing: { reason: string; detail: string; attempts: number; outages: number } | undefined;
  settledAtMs: number | undefined;
}

/** What a decision was made from, without text. */
export interface KeptDecision {
  ticket: string;
  inputs: Inputs;
  decidedAtMs: number;
}

export interface Counts {
  signals: number;
  /** Tickets with something due or in work; not those that only wait for an hour that their rules named. */
  pending: number;
  parked: number;
  leased: number;
  ledger: number;
}

/** A record in the state in which its system showed it to a sweep. */
export interface SweptRecord {
  ticket: string;
  revision: string;
  /** By the vendor's clock, in ms since 1970. */
  updatedAtMs: number;
}

/** What a sweep found out about a change at its source. */
export interface SweptChange extends SweptRecord {
  seenAtMs: number;
  /** webhook: one told of it. sweep: nothing else did. known: it was read without either, after an older hint. */
  foundBy: "webhook" | "sweep" | "known";
  /** The first webhook at or after the change. */
  webhookAtMs: number | null;
  /** The first signal of it, whoever gave it. */
  signalAtMs: number | null;
  /** How often sweeps have signalled it. */
  signals: number;
  /** A write of ours was under way at the moment of the change, which ServiceNow sends no webhook for. */
  nearOwnWrite: boolean;
}

/** What is known here of a record that a sweep was shown. */
export interface Sighting {
  /** The revision of the last look that was settled. */
  remembered: string | undefined;
  /** waiting: it will be read, and nobody has begun to. idle: nothing is due for it. */
  state: "idle" | "waiting" | "in_work" | "parked";
  /** What an earlier sweep made of the same state of the record. */
  before: SweptChange | undefined;
  /** The first webhook at or after the change, among the deliveries of late. */
  webhookAtMs: number | undefined;
  nearOwnWrite: boolean;
}

/** Where a sweep goes on, stored with what it has seen so far. */
export interface SweepMark {
  connection: string;
  recordType: string;
  value: string;
}

/**
 * The one place where state lives, over SQLite or PostgreSQL with the same promises: what returned is durable; a write
 * with a stale fence changes nothing and answers false; ledger entries stand or fall with what they tell of.
 */
export interface Store extends AdviceMemory, RevocationMemory, Evidence {
  /** Records hints and makes their tickets due after `settleMs`, all in one commit. Answers in the order of `signals`. */
  accept(signals: readonly NewSignal[], settleMs: number): Promise<("accepted" | "duplicate")[]>;
  /** Leases up to `limit` tickets that are due, longest due first. */
  claim(owner: string, limit: number, leaseMs: number): Promise<Claim[]>;
  /** Milliseconds until the next unleased ticket is due; undefined when none is. */
  nextDueMs(): Promise<number | undefined>;
  /** Records the intent of writes before any call is made; `gates`: what is remembered of approvals from then on. */
  intend(
    claim: Claim,
    actions: readonly Intent[],
    entries: readonly Draft[],
    gates?: readonly GateMemory[],
  ): Promise<boolean>;
  /** Records what became of writes. */
  receive(claim: Claim, receipts: readonly Receipt[]): Promise<boolean>;
  /** A call ended without an answer: the time in which it may still be applied starts now. */
  doubt(claim: Claim): Promise<boolean>;
  /** Ends a claim: remembers the ticket, and leaves it due when hints came meanwhile, though not before `restMs` are over. */
  settle(claim: Claim, settlement: Settlement, restMs?: number): Promise<boolean>;
  /** Ends a claim with nothing to remember. */
  finish(claim: Claim, restMs?: number): Promise<boolean>;
  /** Ends a claim that failed: due again after `delayMs`, counted against its own tries or its system's outage; `why` is shown until then. */
  retry(
    claim: Claim,
    delayMs: number,
    counts: "attempt" | "outage" | "neither",
    why?: { reason: string; detail: string },
  ): Promise<boolean>;
  /** Ends a claim for good, until a new hint or a redrive. */
  park(claim: Claim, reason: string, detail: string): Promise<boolean>;
  /** Leases claims anew from now on, those that are still ours. Answers how many were. */
  renew(claims: readonly Claim[], leaseMs: number): Promise<number>;
  /** Gives claims back untouched, due at once. Answers how many were still ours. */
  release(claims: readonly Claim[]): Promise<number>;
  /** Makes a parked ticket due again, or removes the note of a delivery that points at no record; false when there is no such parked ticket. */
  redrive(connection: string, key: string, by: string): Promise<boolean>;
  /** Keeps how a check went and makes its ticket due; `full`: the ticket has 50 checks of other names. */
  recordCheck(connection: string, key: string, report: CheckReport): Promise<"recorded" | "unknown" | "full">;
  /** Names of a ticket's checks whose latest report, at or after `sinceMs`, is a failure, in their order. */
  failedChecks(ticket: string, sinceMs: number): Promise<string[]>;
  parked(limit: number): Promise<Parked[]>;
  view(connection: string, key: string): Promise<TicketView | undefined>;
  counts(): Promise<Counts>;
  append(drafts: readonly Draft[]): Promise<Head>;
  /** Entries after `seq`, in order. */
  entries(afterSeq: number, limit: number): Promise<Entry[]>;
  /** Forgets deliveries older than `beforeMs`; at most `limit` of them. Answers how many. */
  forgetSignals(beforeMs: number, limit: number): Promise<number>;
  /** Keeps a policy version; one that is kept already stays as it is. */
  keepPolicy(policy: KeptPolicy): Promise<void>;
  policy(version: string): Promise<KeptPolicy | undefined>;
  /** What a decision was made from. */
  decided(decisionId: string): Promise<KeptDecision | undefined>;
  watermark(connection: string, type: string): Promise<string | undefined>;
  setWatermark(connection: string, type: string, value: string): Promise<void>;
  /**
   * What is known of records that a sweep was shown; answers in the order of `records`, each ticket once. A write of ours
   * without an answer counts as under way for `openWriteMs`.
   */
  sightings(records: readonly SweptRecord[], openWriteMs: number): Promise<Sighting[]>;
  /** Records what a sweep saw and where it goes on, in one commit. */
  recordSwept(changes: readonly SweptChange[], mark: SweepMark): Promise<void>;
  /** Where the sweep of a record type goes on; undefined before its first. */
  sweepMark(connection: string, recordType: string): Promise<string | undefined>;
  completeness(query: CompletenessQuery): Promise<Completeness>;
  /** Forgets what sweeps saw before `beforeMs`; at most `limit` of it. Answers how much. */
  forgetSwept(beforeMs: number, limit: number): Promise<number>;
  /** Makes a connection's tickets due that were settled since, bit by bit, the later ones later; may be called again. Answers how many. */
  takeUpAgain(connection: string, sinceMs: number): Promise<number>;
  /** Proves that a write would be taken now; throws StoreUnavailableError otherwise. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
