import type { ConnectorError } from "./errors.ts";
import type { Transform } from "./mapping/transforms.ts";
import type { FieldValue, SettableField, TicketRef } from "./ticket.ts";

/** A log line: a static message plus fields. Ids only, never ticket text or secrets. */
export interface Log {
  error(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  debug(message: string, fields?: Record<string, unknown>): void;
}

/** Every counter there is, with the names of its labels. What counts and what shows them share this one list. */
export interface CounterLabels {
  interlock_signals_total: "connection" | "outcome";
  interlock_reconciles_total: "connection";
  interlock_writes_total: "connection";
  interlock_vendor_calls_total: "connection" | "operation";
  interlock_failures_total: "connection" | "kind";
  interlock_drift_total: "mapping" | "field";
  interlock_given_back_total: "connection";
  interlock_overwrites_total: "connection" | "known";
  interlock_unmapped_total: "connection";
  interlock_facts_failed_total: "fact";
  interlock_reloads_total: "outcome";
  interlock_advice_total: "provider" | "step" | "outcome";
  interlock_advice_micros_total: "provider" | "step";
  interlock_advice_outcomes_total: "field" | "automatic" | "correct";
  interlock_demotions_total: "field";
  interlock_sweeps_total: "connection" | "type" | "outcome";
  interlock_sweep_found_total: "connection" | "type" | "by";
}
export type CounterName = keyof CounterLabels;

/** Counters the core keeps; `cli` wires them to Prometheus. A name or a label that is not listed does not compile. */
export interface Meter {
  count<N extends CounterName>(name: N, labels: Record<CounterLabels[N], string>, by?: number): void;
}

/** A vendor record as its connector read it: flat dotted keys or nested objects, read by a mapping's paths. */
export type VendorRecord = Readonly<Record<string, unknown>>;

export type ReadOutcome =
  /** `revision` changes with every edit of the record: the vendor's counter, or its update time where it keeps none. */
  | { id: string; found: true; key: string; recordType: string; revision: string; record: VendorRecord }
  /** Not to be read, or with `fault`: not just now, while others of the same call could be. */
  | { id: string; found: false; fault?: ConnectorError };

/** A value on its way to the vendor. Names of groups and people are resolved by the connector. */
export type WriteValue =
  | string
  | number
  | boolean
  | null
  | { group: string }
  | { user: string }
  | { instant: string }
  | { seconds: number }
  | { adf: string };

/** Vendor field path → value. */
export type VendorPatch = Readonly<Record<string, WriteValue>>;

export interface FieldWrite {
  actionId: string;
  field: SettableField;
  after: FieldValue;
  patch: VendorPatch;
  /** What stood at each path of the patch when the ticket was read, in the vendor's own form. */
  seen: Readonly<Record<string, unknown>>;
}

/** What `overwritten` asks of a written field besides its ticket; recorded with the intent, so that a crash cannot lose it. */
export interface WriteBasis extends Pick<FieldWrite, "patch" | "seen"> {
  recordType: string;
  revision: string;
}

export interface NoteWrite {
  actionId: string;
  text: string;
  /** Stands in `text` and, where the vendor has them, in a property; what read-back looks for. */
  marker: string;
}

/** All that one decision writes to one ticket: the connector makes as few calls of it as the vendor allows. */
export interface Write {
  ref: TicketRef;
  recordType: string;
  /** What the decision saw; the write must not happen on top of a newer revision. */
  revision: string;
  /** When that was read, in ms since 1970; older than `staleReadMs` is read again first. */
  readAtMs: number;
  fields: readonly FieldWrite[];
  note?: NoteWrite;
}

/**
 * What became of a write, one line per action. `applied` is certain; `unconfirmed` was accepted by the vendor but must
 * be read back (`confirm`). Anything else is thrown as a ConnectorError, or listed as `dropped` when the vendor
 * accepted the call and silently kept the old value.
 */
export interface WriteResult {
  applied: string[];
  unconfirmed: string[];
  dropped: { actionId: string; reason: string }[];
  /** The record may have been edited between our read and our write: `overwritten` must be asked. */
  raced: boolean;
}

/** A value that somebody set after we had read the ticket, and that our write replaced without having seen it. */
export interface Overwrite {
  actionId: string;
  /** Puts that value back. */
  patch: VendorPatch;
  /** It, for the record. */
  value: FieldValue;
}

export interface MarkerQuery {
  ref: Pick<TicketRef, "connection" | "type" | "id" | "key">;
  marker: string;
}

/** One system of record. Every method is one bulk question, and every failure a ConnectorError. */
export interface Connector {
  readonly connection: string;
  /** How many ids one `read` call may carry, as long as the mappings stay as they are. */
  readonly readMax: number;
  /** Reads records by id with the fields that the mappings need at the moment of the call. An id that is missing or hidden answers `found: false`. */
  read(type: string, ids: readonly string[]): Promise<ReadOutcome[]>;
  write(write: Write): Promise<WriteResult>;
  /** Which markers stand in their tickets: `absent` only where the journal itself could be read. */
  confirm(queries: readonly MarkerQuery[]): Promise<Map<string, "present" | "absent" | "unreadable">>;
  /**
   * Looks into the vendor's own history for edits that came between our read and our write. Neither vendor has a
   * conditional write, so this is what makes ours a compare-and-set. May be asked long after the write, and of several
   * writes to one ticket. `unknown` are actions that the history does not show.
   */
  overwritten(writes: readonly Write[]): Promise<{ found: Overwrite[]; unknown: string[] }>;
  /** Ends what the connector keeps open. */
  close(): Promise<void>;
}

/** A record that its system says was edited. `revision` as in `ReadOutcome`; `type` as in a signal's target. */
export interface ChangedRecord {
  type: string;
  id: string;
  key: string;
  revision: string;
  /** By the vendor's clock, in ms since 1970. */
  updatedAtMs: number;
}

/** Changes, oldest first. `next` goes on behind them; undefined where the end is proven. */
export interface ChangedPage {
  records: ChangedRecord[];
  next: string | undefined;
}

/** What a sweep asks of a system of record, so that a lost webhook costs a delay and nothing else. */
export interface ChangeFeed {
  readonly connection: string;
  /**
   * Records of a configured type (ServiceNow table, Jira project key) that were edited at or after `sinceMs`. An answer
   * that cannot be trusted (a row that was not asked for, a page that does not move on, a dead token's empty list) is a
   * ConnectorError, never a short page.
   */
  changed(recordType: string, sinceMs: number, after?: string): Promise<ChangedPage>;
  /** What makes this instance itself, wherever it answers: a clone under the same address has another one. */
  identity(): Promise<string>;
}

/** Asks a question, and again where its fault is one that passes; throws the fault that does not, or that stays. */
export type Patience = <T>(ask: () => Promise<T>) => Promise<T>;

/** Which past is asked for. */
export interface PastWanted {
  /** A configured type: ServiceNow table, Jira project key. */
  recordType: string;
  /** Of records opened at that hour or later, in ms since 1970. */
  sinceMs: number;
  /** As in a mapping. */
  reads: readonly string[];
  transforms: ReadonlyMap<string, Transform>;
  patiently: Patience;
  /** Takes what whoever uses the answer must know of it: whole sentences without ticket text. */
  remark(sentence: string): void;
}

/** A record from an hour on: what a read would have answered then. */
export interface PastVersion {
  /** By the vendor's clock, in ms since 1970. */
  atMs: number;
  revision: string;
  record: VendorRecord;
  /** Vendor paths whose value of then nobody can tell any more, each with why. */
  untold: readonly { path: string; why: string }[];
}

/** A record and all that it went through: as it was opened, first. */
export interface PastRecord {
  type: string;
  id: string;
  key: string;
  versions: readonly PastVersion[];
}

/** What a system of record remembers of its tickets. Reads only; every failure is a ConnectorError. */
export interface Archive {
  readonly connection: string;
  /** About how many records `past` has; undefined where the vendor does not say. */
  opened(wanted: PastWanted): Promise<number | undefined>;
  /**
   * Records by the hour at which they were opened, a page at a time, each of them once. The field that a change left
   * out of the history is taken to have changed with the next one that is in it. Where the account may not read
   * histories it is `rejected`, since without them how a ticket was opened cannot be told.
   */
  past(wanted: PastWanted): AsyncGenerator<PastRecord[], void, undefined>;
}

/** A configuration item as the CMDB has it; null where it says nothing. */
export interface ConfigurationItem {
  id: string;
  name: string;
  className: string;
  environment: string | null;
  criticality: string | null;
  ownerId: string | null;
  /** Null also where the owner's name is not to be seen. */
  ownerName: string | null;
  /** The vendor's names of fields that the answer leaves out: theirs is a null of which nobody knows. */
  hidden: readonly string[];
  updatedAtMs: number;
}

/** A ticket of the past on a configuration item. No text. */
export interface RelatedRecord {
  type: string;
  id: string;
  key: string;
  openedAtMs: number;
  closedAtMs: number | null;
  state: string;
  outcome: string | null;
}

/** Bounds on a walk through the CMDB. */
export interface WalkLimits {
  depthMax: number;
  itemsMax: number;
}

/** What change risk is computed from. Every list is bounded and says when it was cut. */
export interface Cmdb {
  /** Undefined where there is no such item, or none that we may see. */
  ci(id: string): Promise<ConfigurationItem | undefined>;
  /** The item of that name. Undefined also where several have it: a guess would be about another. */
  ciNamed(name: string): Promise<ConfigurationItem | undefined>;
  /** What depends on an item, directly or through others; each once, cycles or not. `missing`: named but not there. */
  dependents(
    id: string,
    limits: WalkLimits,
  ): Promise<{ items: { id: string; depth: number }[]; missing: string[]; cut: boolean }>;
  servicesOf(id: string): Promise<ConfigurationItem[]>;
  changesOn(id: string, sinceMs: number): Promise<{ records: RelatedRecord[]; cut: boolean }>;
  incidentsOn(id: string, sinceMs: number): Promise<{ records: RelatedRecord[]; cut: boolean }>;
}

/** A person's answer in the native queue, as the vendor keeps it. */
export interface NativeApproval {
  id: string;
  approverId: string;
  state: "requested" | "approved" | "rejected" | "cancelled" | "other";
  /** Who last changed the row or answered, as the vendor names accounts; null where it does not say. */
  answeredBy: string | null;
  answeredAtMs: number | null;
}

/** Where a verified webhook points, as far as the payload tells. */
export type Located =
  /** `versioned`: the body says which state of the record it tells of, so the same body again is the same news. */
  | { found: true; type: string; recordId: string; recordKey?: string; versioned: boolean }
  | { found: false; reason: string }
  /** A record this installation has no mapping for: acknowledged, counted, not worked on. */
  | { found: "unmapped"; what: string };

/** The headers of a delivery, lower-case names; a header that was sent twice is a list. */
export type DeliveryHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** How one connection's webhooks are recognised. No I/O. */
export interface WebhookSource {
  /** The delivery's own id when the bytes are proven to come from the vendor, else why not. Compares in constant time. */
  verify(headers: DeliveryHeaders, raw: Buffer): { deliveryId: string } | { refused: string };
  /** The record a payload points at. */
  locate(payload: unknown): Located;
}
