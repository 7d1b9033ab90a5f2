import { type Kysely, sql } from "kysely";
import { sha256Hex } from "../../core/canonical.ts";
import type { Action, Decision } from "../../core/decision.ts";
import { ChainVerifier, type Verdict } from "../../core/ledger/chain.ts";
import type { Draft } from "../../core/ledger/entry.ts";
import { type Inputs, withheldDigest, withoutText } from "../../core/policy/inputs.ts";
import type { Database } from "../../core/store/schema.ts";
import type { Claim, NewSignal, Settlement, Store } from "../../core/store/store.ts";
import { TICKET } from "../core/support/tickets.ts";

/** A store under test, with what the contract needs besides it. */
export interface StoreRig {
  /** The open handle; another one after `reopen`. */
  readonly store: Store;
  /** A second handle on the same database, as another process would have it; absent where the store allows only one. */
  readonly second?: Store;
  /** The hour by that clock, near enough. */
  now(): number;
  /** Moves the clock by which this store measures leases and due times. */
  advance(ms: number): void;
  /** Closes the store and opens it again, as a restart of the process does. */
  reopen(): Promise<void>;
  close(): Promise<void>;
  /** Every row of every table, to see that nothing changed. */
  dump(): Promise<Dump>;
}

export type Dump = Record<keyof Database, Record<string, unknown>[]>;

/** The rig of the running test. */
export type Rig = () => StoreRig;

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const LEASE = 10 * MINUTE;

/** An hour that every SQLite rig starts at. */
export const START_MS = Date.parse("2026-01-05T09:00:00.000Z");

const TABLES = [
  "signals",
  "work",
  "tickets",
  "actions",
  "ledger",
  "ledger_nodes",
  "checkpoints",
  "watermarks",
  "swept",
  "policies",
  "inputs",
  "spend",
  "answers",
  "outcomes",
  "demotions",
  "revocations",
  "revoked",
  "modes",
  "checks",
] as const;

/** Every row of every table, in the order of its first column. */
export async function dumpOf(db: Kysely<Database>): Promise<Dump> {
  const dump: Dump = {
    ...{ signals: [], work: [], tickets: [], actions: [], ledger: [], watermarks: [], swept: [] },
    ...{ ledger_nodes: [], checkpoints: [] },
    ...{ policies: [], inputs: [], spend: [], answers: [], outcomes: [], demotions: [] },
    ...{ revocations: [], revoked: [], modes: [] },
    ...{ checks: [] },
  };
  for (const table of TABLES) {
    const { rows } = await sql<Record<string, unknown>>`select * from ${sql.table(table)} order by 1, 2`.execute(db);
    dump[table] = rows.map((row) => ({ ...row }));
  }
  return dump;
}

/** Empties every table; the schema stays. */
export async function wipe(db: Kysely<Database>): Promise<void> {
  await db.transaction().execute(async (trx) => {
    for (const table of TABLES) await trx.deleteFrom(table).execute();
  });
}

let made = 0;

/** A webhook's hint at an incident, with a delivery id and a body that nobody had before, unless given. */
export function hint(recordId: string, given: Partial<NewSignal> = {}): NewSignal {
  made += 1;
  return {
    connection: "snow",
    cause: "webhook",
    deliveryId: `delivery-${made}`,
    bodyDigest: sha256Hex(`body ${made}`),
    receivedAtMs: START_MS,
    target: { type: "incident", recordId },
    ...given,
  };
}

/** Hints at so many tickets of their own. */
export function hints(count: number, prefix = "r"): NewSignal[] {
  return Array.from({ length: count }, (_, index) => hint(`${prefix}${index}`));
}

/** Accepts a hint at a ticket and claims it. */
export async function claimed(store: Store, recordId = "r1", owner = "worker-1"): Promise<Claim> {
  await store.accept([hint(recordId)], 0);
  return claimOne(store, owner);
}

/** The one claim that there is to be had. */
export async function claimOne(store: Store, owner = "worker-1"): Promise<Claim> {
  const claims = await store.claim(owner, 10, LEASE);
  const [claim] = claims;
  if (!claim || claims.length > 1) throw new Error(`${claims.length} tickets were due where one was expected`);
  return claim;
}

/** Ids of the records that are due now, by taking them. */
export async function due(store: Store, limit = 1_000): Promise<string[]> {
  return (await store.claim("worker-due", limit, LEASE)).map(({ recordId }) => recordId);
}

export const DECISION: Decision = {
  id: "0123456789abcdef",
  because: [{ rule: "network", why: 'Naïve café ☕ 日本語 \u{1f6a6} goes to "Network"\n' }],
  set: { assignmentGroup: "Network Operations", priority: 2 },
  suggests: {},
  advice: null,
  takeOver: [],
  gates: [],
  holds: [{ rule: "vip", reason: "a person looks at it" }],
  sla: [],
  escalations: [],
  wakeAt: null,
  mode: "act",
  risk: null,
  rollback: null,
  trace: { verdicts: "m", reads: { "ticket.category": "network" }, messages: {} },
  inputsDigest: sha256Hex("inputs"),
  policyVersion: "policy-1",
};

/** What was kept so that the decision could be made again. */
export const INPUTS: Inputs = {
  ticket: withoutText(TICKET),
  withheldDigest: withheldDigest(TICKET),
  bound: {},
  verdicts: {},
  verdictsWithoutAdvice: {},
  missing: [],
  facts: {},
  now: "2026-01-05T09:00:00.000Z",
  policyVersion: DECISION.policyVersion,
};

export function decisionDraft(ticket: string, because: string[] = ["network"]): Draft {
  const { id, set, holds, inputsDigest, policyVersion } = DECISION;
  const body = { id, key: "INC1", revision: "1", mode: "act", policyVersion, inputsDigest, because, set, holds };
  return { kind: "decision", ticket, body };
}

/** A draft that its own schema refuses. */
export function brokenDraft(ticket: string): Draft {
  return decisionDraft(ticket, ["x".repeat(401)]);
}

export function settlement(given: Partial<Settlement> = {}): Settlement {
  return { recordKey: "INC0010001", revision: "7", fields: {}, wakeAtMs: null, entries: [], ...given };
}

/** A settlement that remembers a decision. */
export function decidedSettlement(ticket: string, given: Partial<Settlement> = {}): Settlement {
  return settlement({
    decided: { decision: DECISION, outcomeDigest: sha256Hex("outcome"), inputs: INPUTS },
    fields: { assignmentGroup: { wrote: "Network Operations", theirs: false, writes: [START_MS] } },
    entries: [decisionDraft(ticket)],
    ...given,
  });
}

export function action(id: string, given: Partial<Action> = {}): Action {
  return {
    id,
    kind: "set",
    field: "assignmentGroup",
    before: "Service Desk",
    after: "Network Operations",
    because: ["network"],
    decisionId: DECISION.id,
    marker: `[il:${id}]`,
    ...given,
  };
}

/** Follows the whole ledger, page by page. */
export async function verified(store: Store, page = 100): Promise<Verdict> {
  const verifier = new ChainVerifier();
  let after = 0;
  for (;;) {
    const entries = await store.entries(after, page);
    for (const entry of entries) verifier.add(entry);
    after = entries.at(-1)?.seq ?? after;
    if (entries.length < page) return verifier.verdict();
  }
}

/** Kinds of the entries after `seq`, in order. */
export async function kinds(store: Store, afterSeq = 0): Promise<string[]> {
  return (await store.entries(afterSeq, 1_000)).map(({ kind }) => kind);
}

/** What a promise was rejected with; fails the test when it was not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  let answer: unknown;
  try {
    answer = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`expected a rejection, not ${JSON.stringify(answer)}`);
}

/** The answer, or a failed test where there is none. */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("expected something, found nothing");
  return value;
}

/** The only row of `work`. */
export async function workRow(rig: StoreRig): Promise<Record<string, unknown>> {
  const { work } = await rig.dump();
  if (work.length !== 1) throw new Error(`${work.length} rows of work where one was expected`);
  return present(work[0]);
}

/** Texts that a sender could bring that are harder to store than others. */
export const HOSTILE: Record<string, string> = {
  "a NUL": "before\u0000after",
  "half of a surrogate pair": "an event \ud83d",
  "a pair that the ledger's limit would cut in two": `${"x".repeat(399)}\u{1f6a6}`,
  "ten thousand characters": "long ".repeat(2_000),
};
