import type PQueue from "p-queue";
import { KEPT, keptAll } from "../act/revoke.ts";
import { ConnectorError } from "../errors.ts";
import type { Mapping } from "../mapping/mapping.ts";
import { FACT_ROUNDS_MAX } from "../policy/facts.ts";
import type { Policy } from "../policy/policy.ts";
import type { ReadOutcome, WriteResult } from "../ports.ts";
import type { Claim, Intent, Receipt } from "../store/store.ts";
import { type Fetched, fetchSummary } from "./advise.ts";
import { type ApprovalsDone, carryOutApprovals } from "./approval-work.ts";
import { seeApprovals, whoToAsk } from "./approvals.ts";
import { conclude, type Written } from "./conclude.ts";
import { type Desk, modeOf, type ReconcileDeps } from "./deps.ts";
import { fetchFacts } from "./facts.ts";
import { handleFailure, isolated } from "./failure.ts";
import { OVERWROTE_PERSON } from "./give-back.ts";
import { type LookBack, lookBack } from "./look-back.ts";
import { type Next, prepare, type Read } from "./prepare.ts";
import type { Work } from "./work.ts";

/** Shared by all batches of a loop. */
export interface Acting {
  queue: PQueue;
  /** True once the process is stopping: what has not begun is given back. */
  stopping: () => boolean;
}

/** What a batch is worked by from its reading on. */
interface BatchRules {
  policy: Policy;
  mappings: ReadonlyMap<string, Mapping>;
}

/**
 * Takes claims of one connection and record type, at most `readMax` of them, through read, decide, act and remember.
 * Whatever fails for one ticket is that ticket's own affair; the others go on.
 */
export async function reconcileBatch(
  deps: ReconcileDeps,
  desk: Desk,
  all: readonly Claim[],
  acting: Acting,
): Promise<void> {
  const first = all[0];
  if (!first) return;
  if (acting.stopping()) {
    await deps.store.release(all);
    return;
  }
  if (!deps.mayRead(first.connection)) {
    await putOff(deps, all);
    return;
  }
  const { view: queue, clear: claims } = await seeApprovals(deps, desk, all);
  if (claims.length === 0) return;
  await deps.refreshMode?.();
  const readAtMs = deps.clock.now();
  // Whatever is changed meanwhile, these tickets are done by the rules and mappings with which they were read.
  const rules: BatchRules = { policy: deps.policy(), mappings: desk.mappings() };
  let outcomes: Map<string, ReadOutcome>;
  try {
    const ids = claims.map(({ recordId }) => recordId);
    outcomes = new Map((await desk.connector.read(first.type, ids)).map((outcome) => [outcome.id, outcome]));
  } catch (error) {
    await each(claims, (claim) => handleFailure(deps, claim, error));
    return;
  }
  // It may have come to light during the read, whose answers are the other instance's then.
  if (!deps.mayRead(first.connection)) {
    await putOff(deps, claims);
    return;
  }
  const { clear, ...seen } = await lookBack(deps, desk, claims, outcomes);
  const written: Written[] = [];
  await each(clear, async (claim) => {
    deps.meter.count("interlock_reconciles_total", { connection: claim.connection });
    await isolated(deps, claim, async () => {
      const next = await nextFor(deps, desk, claim, outcomes.get(claim.recordId), {
        readAtMs,
        queue,
        ...seen,
        ...rules,
      });
      const work = await carryOut(deps, claim, next);
      if (!work) return;
      const result = await acting.queue.add(() => write(deps, desk, claim, work, acting));
      if (result) written.push({ claim, work, result });
    });
  });
  await conclude(deps, desk, written);
}

const OTHER_INSTANCE = {
  reason: "other_instance",
  detail:
    "another instance answers under the address of its connection; put the right one back, or: interlock identity confirm <connection>",
};

/** Ends claims untouched, until the next sweep has asked again which instance answers; that is no try of theirs. */
async function putOff(deps: ReconcileDeps, claims: readonly Claim[]): Promise<void> {
  const { store, limits, log } = deps;
  log.debug("tickets wait for the right instance", { connection: claims[0]?.connection, tickets: claims.length });
  await each(claims, (claim) =>
    isolated(deps, claim, async () => {
      await store.retry(claim, limits.sweepEveryMs, "neither", OTHER_INSTANCE);
    }),
  );
}

async function nextFor(
  deps: ReconcileDeps,
  desk: Desk,
  claim: Claim,
  outcome: ReadOutcome | undefined,
  { mappings, ...read }: LookBack & Pick<Read, "readAtMs" | "queue"> & BatchRules,
): Promise<Settled> {
  if (claim.attempts >= deps.limits.attemptsMax) {
    return {
      kind: "park",
      reason: "crashing",
      detail: `${claim.attempts} tries ended with the worker's death or a fault; look at the log, then redrive`,
    };
  }
  if (outcome?.found === false && outcome.fault) throw outcome.fault;
  if (!outcome?.found) {
    return { kind: "park", reason: "not_found", detail: "no such record, or the integration account may not read it" };
  }
  const mapping = mappings.get(outcome.recordType);
  const canAsk = desk.approvals !== undefined;
  let known: Fetched & Pick<Read, "who" | "summary"> = { facts: {}, entries: [], who: new Map() };
  // Once more than the facts need, for those who are to be asked.
  for (let round = 0; round < FACT_ROUNDS_MAX + 1; round += 1) {
    const next = prepare(deps, claim, outcome, mapping, { ...read, ...known, canAsk });
    if (next.kind === "approvers" && desk.approvals) {
      const who = await whoToAsk(deps, desk.approvals, next.ticket, next.gates);
      const isAsked = [...who.values()].some((each) => !("nobody" in each));
      const told = isAsked ? await fetchSummary(deps, next.ticket, known.facts, read.policy) : undefined;
      known = { ...known, who, ...(told && { summary: told.summary, entries: [...known.entries, ...told.entries] }) };
      continue;
    }
    if (next.kind === "approvers") break;
    if (next.kind !== "facts") return next;
    const { facts } = known;
    const fetched = await fetchFacts(deps, desk, next.ticket, {
      ...{ needs: next.needs, facts, policy: read.policy },
      last: claim.memory?.decisionId,
    });
    const entries = [...known.entries, ...fetched.entries];
    known = { ...known, ...fetched, facts: { ...facts, ...fetched.facts }, entries };
  }
  throw new Error("the rules asked for the same facts again");
}

/** What is done about a ticket once nothing more must be known. */
type Settled = Exclude<Next, { kind: "facts" | "approvers" }>;

/** Records everything that needs no call. Answers the work that does. */
async function carryOut(deps: ReconcileDeps, claim: Claim, next: Settled): Promise<Work | undefined> {
  const { store, log } = deps;
  if (next.kind === "park") {
    if (next.reason === "not_found" && claim.undoing) await store.endRevoked(claim, keptAll(claim.undoing, KEPT.gone));
    log.warn("a ticket is parked", { ticket: claim.ticket, reason: next.reason });
    await store.park(claim, next.reason, next.detail);
    return undefined;
  }
  if (next.kind === "ignore") {
    deps.meter.count("interlock_unmapped_total", { connection: claim.connection });
    if (claim.undoing) await store.endRevoked(claim, keptAll(claim.undoing, KEPT.unmapped));
    await store.finish(claim, deps.limits.restMs);
    return undefined;
  }
  if (next.kind === "wait") {
    await store.retry(claim, next.ms, next.counts);
    return undefined;
  }
  if (next.kind === "settle") {
    const settled = await store.settle(claim, next.settlement, deps.limits.restMs);
    if (settled) await deps.watch?.look(next.settlement.outcomes ?? []);
    if (settled && next.settlement.park)
      log.warn("a ticket is parked", { ticket: claim.ticket, reason: next.settlement.park.reason });
    return undefined;
  }
  return next.work;
}

/** Intent, then effect. Answers undefined where the claim was lost or the process is stopping. */
async function write(
  deps: ReconcileDeps,
  desk: Desk,
  claim: Claim,
  work: Work,
  acting: Acting,
): Promise<WriteResult | undefined> {
  // What was planned under another mode is planned again.
  const isAllowed = async (): Promise<boolean> => {
    await deps.refreshMode?.();
    return modeOf(deps, claim.connection) === work.mode;
  };
  if (acting.stopping() || !(await isAllowed())) {
    await deps.store.release([claim]);
    return undefined;
  }
  if (!(await deps.store.intend(claim, intentsOf(work), work.entries, work.decided))) {
    deps.log.info("a claim was lost before its write; the new holder goes on", { ticket: claim.ticket });
    return undefined;
  }
  const done: ApprovalsDone = { applied: [], dropped: [], asked: [], heldBy: undefined };
  try {
    const refuse = async (): Promise<void> => {
      if (!(await isAllowed())) throw new ModeLowered();
    };
    if (desk.approvals) await carryOutApprovals(desk.approvals, work.approvals, work.write, { done, refuse });
    await refuse();
    const result = await desk.connector.write(work.write);
    deps.meter.count("interlock_writes_total", { connection: claim.connection });
    work.asked.push(...done.asked);
    work.held = done.heldBy !== undefined;
    const { applied, dropped } = result;
    return { ...result, applied: [...applied, ...done.applied], dropped: [...dropped, ...done.dropped] };
  } catch (error) {
    await recordFailedWrite(deps, claim, work, { error, done });
    if (error instanceof ModeLowered || (isHarmless(error) && !(await isAllowed()))) {
      deps.log.info("the mode was lowered before a write was done", { ticket: claim.ticket });
      await deps.store.release([claim]);
      return undefined;
    }
    if (!work.givesBack) throw error;
    // Whatever the fault: who is to wait for this ticket must know that something of theirs was lost.
    await handleFailure(deps, claim, error, OVERWROTE_PERSON);
    return undefined;
  }
}

/** The mode was lowered while a write was under way: what of it was not done yet is not done. */
class ModeLowered extends Error {}

/** Nothing of the call that failed can have been applied, and nobody is to blame. */
function isHarmless(error: unknown): boolean {
  return error instanceof ConnectorError && error.kind === "unavailable" && error.outcome === "not_applied";
}

/** The actions of a write with what is needed to judge them after a crash, when this process knows nothing any more. */
function intentsOf({ actions, write, approvals }: Work): Intent[] {
  const { recordType, revision } = write;
  return actions.map((action) => {
    const ask = approvals.asks.find(({ actionId }) => actionId === action.id);
    if (ask) return { ...action, round: ask.round };
    const field = write.fields.find(({ actionId }) => actionId === action.id);
    if (!field) return action;
    const seen = Object.fromEntries(Object.entries(field.seen).map(([path, value]) => [path, identity(value)]));
    return { ...action, basis: { recordType, revision, patch: field.patch, seen } };
  });
}

/** A value as far as it tells one from another: of a person's record, names, pictures and addresses are not ours to keep. */
function identity(value: unknown): unknown {
  if (value === null || typeof value !== "object") return value;
  const kept = "accountId" in value ? ["accountId"] : ["id", "name", "value"];
  return Object.fromEntries(Object.entries(value).filter(([key]) => kept.includes(key)));
}

/** Writes that certainly did not happen are closed; the rest stay open, to be read back before anything is tried again. */
async function recordFailedWrite(
  deps: ReconcileDeps,
  claim: Claim,
  work: Work,
  { error, done }: { error: unknown; done: ApprovalsDone },
): Promise<void> {
  const lowered = error instanceof ModeLowered;
  if (!lowered && (!(error instanceof ConnectorError) || error.outcome === "unknown")) {
    await deps.store.doubt(claim);
    return;
  }
  // What people were asked, or may have been in part, stays open: the next look finds it in their queue, goes on with it,
  // and remembers it.
  const certain = new Set([...(lowered ? [] : error.applied), ...done.applied]);
  const detail = lowered ? "the mode was lowered" : `refused: ${error.kind}`;
  const undone = work.actions.filter(({ id, kind }) => !certain.has(id) && (lowered || kind !== "ask"));
  await deps.store.receive(
    claim,
    undone.map(({ id }): Receipt => ({ actionId: id, outcome: "abandoned", detail })),
  );
}

async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  await Promise.all(items.map(work));
}
