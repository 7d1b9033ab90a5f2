import type { ColumnType, Generated } from "kysely";

/** Milliseconds since 1970, UTC. */
type Ms = number;
/** A counter that PostgreSQL keeps as bigint; read back as a number. */
type Counter = number;

/** The whole database. JSON stands in text columns; ticket text stands nowhere. */
export interface Database {
  signals: SignalsTable;
  work: WorkTable;
  tickets: TicketsTable;
  actions: ActionsTable;
  ledger: LedgerTable;
  ledger_nodes: LedgerNodesTable;
  checkpoints: CheckpointsTable;
  watermarks: WatermarksTable;
  swept: SweptTable;
  policies: PoliciesTable;
  inputs: InputsTable;
  spend: SpendTable;
  answers: AnswersTable;
  outcomes: OutcomesTable;
  demotions: DemotionsTable;
  revocations: RevocationsTable;
  revoked: RevokedTable;
  modes: ModesTable;
  checks: ChecksTable;
}

export interface SignalsTable {
  id: Generated<Counter>;
  connection: string;
  /** The sender's own id of the delivery; unique per connection. */
  delivery_id: string | null;
  /** SHA-256 of the raw body; unique per connection. */
  body_digest: string | null;
  /** The ticket it hints at; null where none could be told. */
  ticket: string | null;
  cause: string;
  received_at: Ms;
}

export interface WorkTable {
  ticket: string;
  connection: string;
  type: string;
  record_id: string;
  record_key: string | null;
  /** When it wants to be looked at; null when nothing is due. */
  due_at: Ms | null;
  /** Not before this is it looked at again, whatever hints come; null where nothing holds it back. */
  rest_until: Ms | null;
  /** +1 for every hint; finishing with an old one leaves the row due. */
  generation: Counter;
  lease_until: Ms | null;
  lease_owner: string | null;
  /** +1 for every claim; a write with an old one touches nothing. */
  fence: Counter;
  /** Tries that failed for the ticket's own reasons, and for the outage of its system. */
  attempts: number;
  outages: number;
  parked_at: Ms | null;
  /** Why it is parked; where it is not, why its last try failed. */
  parked_reason: string | null;
  parked_detail: string | null;
}

export interface TicketsTable {
  ticket: string;
  connection: string;
  type: string;
  record_id: string;
  record_key: string;
  revision: string;
  decision_id: string;
  outcome_digest: string;
  /** JSON: the last decision with its trace. */
  decision: string;
  /** JSON: gates asked for this ticket. */
  gates: string;
  /** JSON: per field, what we wrote last and whose it is. */
  fields: string;
  /** JSON: wanted values that were not written, and why. */
  skips: Generated<string>;
  /** Digest of the outcome that a note has suggested; empty where none has. */
  suggested_digest: Generated<string>;
  /** JSON: labels that advice gave, until people close the ticket and show what is right. */
  advised: Generated<string>;
  wake_at: Ms | null;
  settled_at: Ms;
}

export interface ActionsTable {
  id: string;
  ticket: string;
  decision_id: string;
  kind: string;
  field: string;
  /** JSON values; null for notes. */
  before: string | null;
  after: string | null;
  /** JSON: rule ids. */
  because: string;
  marker: string;
  /** open: the intent is recorded, the outcome is not known. */
  /** JSON: what the vendor's history is asked with; null for notes. */
  basis: string | null;
  /** Since when its outcome is in doubt: its call ended without an answer, or a later claim found it open. */
  doubt_at: Ms | null;
  state: "open" | "applied" | "unconfirmed" | "dropped" | "found" | "abandoned";
  intent_at: Ms;
  receipt_at: Ms | null;
  detail: string;
}

export interface LedgerTable {
  seq: ColumnType<Counter, Counter, never>;
  at: ColumnType<string, string, never>;
  kind: ColumnType<string, string, never>;
  ticket: ColumnType<string | null, string | null, never>;
  /** Empty where it was dropped: nothing else of an entry ever changes. */
  body: ColumnType<string, string, "">;
  prev: ColumnType<string, string, never>;
  hash: ColumnType<string, string, never>;
  /** Null where the body was dropped, and in entries of before there were salts. */
  salt: ColumnType<string | null, string | null, null>;
  /** What stood for a dropped body in the hash of its entry. */
  commitment: ColumnType<string | null, null, string>;
}

/** Roots of the complete parts of the ledger's Merkle tree, of 2^level leaves each. Can be made anew from the entries. */
export interface LedgerNodesTable {
  level: number;
  idx: Counter;
  hash: string;
}

export interface CheckpointsTable {
  size: Counter;
  origin: string;
  root: string;
  at: string;
  key_id: string;
  signature: string;
}

export interface WatermarksTable {
  connection: string;
  type: string;
  value: string;
  updated_at: Ms;
}

/** Changes that sweeps saw at their source, one row for each state of a record. */
export interface SweptTable {
  ticket: string;
  revision: string;
  /** By the vendor's clock. */
  updated_at: Ms;
  connection: string;
  /** A key of the connection's `records`. */
  record_type: string;
  /** When a sweep saw it first. */
  seen_at: Ms;
  found_by: "webhook" | "sweep" | "known";
  /** The first webhook at or after the change; null where none has told of it. */
  webhook_at: Ms | null;
  /** The first signal of it, whoever gave it; null where it was known without one. */
  signal_at: Ms | null;
  /** How often sweeps have signalled it. */
  signals: number;
  /** 1 where a write of ours was under way at the moment of the change, 0 otherwise. */
  near_own_write: number;
}

export interface PoliciesTable {
  version: string;
  /** JSON: names of the rules and what each may read, in the order of a trace. */
  rules: string;
  /** JSON: the files it was compiled from. */
  sources: string;
  since: Ms;
}

export interface InputsTable {
  decision_id: string;
  ticket: string;
  /** JSON, without text. */
  inputs: string;
  decided_at: Ms;
}

/** What was booked on an account in an hour or a day, in micros of the configured currency. */
export interface SpendTable {
  id: Generated<Counter>;
  scope: string;
  span: string;
  micros: Counter;
  calls: Counter;
  booked_at: Ms;
}

/** Answers of models, by the digest of their question. */
export interface AnswersTable {
  digest: string;
  step: string;
  provider: string;
  model: string;
  prompt_version: string;
  /** JSON: members of closed sets, or why there is no answer. */
  outcome: string;
  cost_micros: Counter;
  answered_at: Ms;
}

/** What labels turned out to be. */
export interface OutcomesTable {
  id: Generated<Counter>;
  ticket: string;
  by: string;
  field: string;
  label: string;
  final: string;
  /** 1 where people kept the label, 0 otherwise; likewise the next two. */
  correct: number;
  automatic: number;
  audited: number;
  at: Ms;
}

/** How the checks of changes went, one row for each name. */
export interface ChecksTable {
  ticket: string;
  name: string;
  /** 1 where it passed, 0 where it failed. */
  passed: number;
  at: Ms;
}

/** Classes of answers that are only suggested, since outcomes refuted their bound. */
export interface DemotionsTable {
  by: string;
  field: string;
  label: string;
  since: string;
  tickets: number;
  errors: number;
  target_bp: number;
}

/** What somebody wants undone. */
export interface RevocationsTable {
  id: string;
  /** JSON: which actions. */
  selector: string;
  by: string;
  reason: string;
  at: Ms;
}

/** An action that is to be undone; each once, whoever asks again. */
export interface RevokedTable {
  action_id: string;
  revocation: string;
  ticket: string;
  state: "wanted" | "restored" | "corrected" | "kept";
  reason: string;
  ended_at: Ms | null;
}

/** Modes that were lowered while the server ran. */
export interface ModesTable {
  /** Empty for all connections. */
  connection: string;
  mode: string;
  by: string;
  at: Ms;
}
