import { type Plan, plan } from "../act/plan.ts";
import type { Decision } from "../decision.ts";
import type { Draft } from "../ledger/entry.ts";
import type { Drift } from "../mapping/field.ts";
import type { Mapping } from "../mapping/mapping.ts";
import { carefulOf } from "../policy/autonomy.ts";
import { decide, inputsOf, outcomeDigest, suggestionDigest } from "../policy/decide.ts";
import type { FactName, Facts } from "../policy/facts.ts";
import type { Inputs } from "../policy/inputs.ts";
import type { Policy } from "../policy/policy.ts";
import type { ReadOutcome } from "../ports.ts";
import type { Claim, Receipt, Settlement, TicketMemory } from "../store/store.ts";
import { type Ticket, type TicketRef, ticketId } from "../ticket.ts";
import { type Fetched, labelsAfter } from "./advise.ts";
import { modeOf, type ReconcileDeps } from "./deps.ts";
import { nextOfDoubts } from "./give-back.ts";
import type { LookBack } from "./look-back.ts";
import { type Recovery, recover } from "./recover.ts";
import { reasonsOf, type Work, workOf } from "./work.ts";

/** What is to be done about one ticket after it was read. */
export type Next =
  | { kind: "park"; reason: string; detail: string }
  | { kind: "ignore" }
  | { kind: "wait"; ms: number; counts: "attempt" | "neither" }
  | { kind: "settle"; settlement: Settlement }
  | { kind: "write"; work: Work }
  /** The rules cannot say before these are known. */
  | { kind: "facts"; ticket: Ticket; needs: readonly FactName[] };

type Found = Extract<ReadOutcome, { found: true }>;

/** Maps, decides and plans for one ticket that was read at `readAtMs`. Makes no call and writes nothing. */
export function prepare(
  deps: ReconcileDeps,
  claim: Claim,
  found: Found,
  mapping: Mapping | undefined,
  read: LookBack & Fetched & { readAtMs: number; policy: Policy },
): Next {
  if (!mapping) return { kind: "ignore" };
  const ref: TicketRef = { connection: claim.connection, type: claim.type, id: claim.recordId, key: found.key };
  const mapped = mapping.toTicket(ref, found.revision, found.record);
  if ("drift" in mapped) {
    for (const drift of mapped.drift)
      deps.meter.count("interlock_drift_total", { mapping: mapping.name, field: drift.field });
    return { kind: "park", reason: "drift", detail: driftText(mapping.name, mapped.drift) };
  }
  const { ticket } = mapped;
  const recovery = recover({
    claim,
    ticket,
    record: found.record,
    markers: read.markers,
    edits: read.edits,
    nowMs: claim.claimedAtMs,
    unknownOutcomeWaitMs: deps.limits.unknownOutcomeWaitMs,
  });
  if (recovery.waitMs !== undefined) return { kind: "wait", ms: recovery.waitMs, counts: "neither" };
  const facts: Facts = { ...read.facts, clocks: claim.memory?.clocks ?? {} };
  const { policy } = read;
  const nowMs = deps.clock.now();
  const outcome = decide(ticket, facts, policy, nowMs);
  if ("needs" in outcome) return { kind: "facts", ticket, needs: outcome.needs };
  const { decision } = outcome;
  const [digest, suggestion] = [outcomeDigest(decision), suggestionDigest(decision)];
  const planned = plan({
    ticket,
    decision,
    suggestionDigest: suggestion,
    mapping,
    memory: remembered(claim.memory, recovery, { decision, suggestion }),
    mode: carefulOf(modeOf(deps, claim.connection), decision.mode),
    owed: recovery.owed,
    toldSteps: new Set(recovery.told.flatMap(({ because }) => because)),
    nowMs: deps.clock.now(),
    limits: deps.limits,
  });
  return next(deps, {
    recovery,
    claim,
    ticket,
    mapping,
    decision,
    inputs: inputsOf(ticket, facts, policy, nowMs, decision),
    digest,
    suggestion,
    planned,
    // What no note will tell any more is closed now.
    receipts: planned.note === "suggestion" ? [...recovery.receipts, ...recovery.owedReceipts] : recovery.receipts,
    owedReceipts: planned.note === "suggestion" ? [] : recovery.owedReceipts,
    found,
    readAtMs: read.readAtMs,
    evidence: read.entries,
    words: read.words,
  });
}

/** What was only found by reading back is remembered too, or it would look like a person's, or be told again. */
function remembered(
  memory: TicketMemory | undefined,
  { fields, told }: Recovery,
  { decision, suggestion }: { decision: Decision; suggestion: string },
): TicketMemory | undefined {
  const toldAlready = isSuggested({ told }, decision);
  if (!memory && !toldAlready && Object.keys(fields).length === 0) return undefined;
  const known = {
    revision: "",
    decisionId: "",
    outcomeDigest: "",
    suggestedDigest: "",
    clocks: {},
    advised: [],
    ...memory,
    fields,
  };
  return toldAlready ? { ...known, suggestedDigest: suggestion } : known;
}

/** A note of the same rules stands already. */
function isSuggested({ told }: Pick<Recovery, "told">, decision: Decision): boolean {
  const rules = reasonsOf(decision, decision.escalations).join();
  return told.some(({ because }) => because.join() === rules);
}

/** A ticket with all that was found out about it, ready for what is to be done. */
export interface Prepared {
  recovery: Recovery;
  claim: Claim;
  ticket: Ticket;
  mapping: Mapping;
  decision: Decision;
  inputs: Inputs;
  /** Of its outcome, and of what a note of suggestion tells of it. */
  digest: string;
  suggestion: string;
  planned: Plan;
  receipts: Receipt[];
  owedReceipts: Receipt[];
  found: Found;
  readAtMs: number;
  /** What the ledger is to hold of the facts, with the decision. */
  evidence: readonly Draft[];
  /** A model's own words, for a note that is written now. */
  words: string | undefined;
}

/** What is remembered of a ticket whatever is done about it. */
export type Plain = Pick<
  Settlement,
  "recordKey" | "revision" | "wakeAtMs" | "skips" | "decided" | "suggestedDigest" | "advised" | "outcomes"
>;

function next(deps: ReconcileDeps, prepared: Prepared): Next {
  const { claim, ticket, recovery, decision, digest, suggestion, planned, receipts } = prepared;
  // A decision is told once, not at every look at the ticket: only a new outcome, or an effect, is news.
  const news = claim.memory?.outcomeDigest !== digest || planned.note !== undefined;
  const plain: Plain = {
    recordKey: ticket.ref.key,
    revision: ticket.revision,
    wakeAtMs: decision.wakeAt === null ? null : Date.parse(decision.wakeAt),
    skips: planned.skips,
    ...labelsAfter(ticket, decision, { memory: claim.memory, acts: planned.changes.length > 0 }),
    ...(news && { decided: { decision, outcomeDigest: digest, inputs: prepared.inputs } }),
    ...(isSuggested(recovery, decision) && { suggestedDigest: suggestion }),
  };
  const entries = news ? [...prepared.evidence, decisionDraft(deps, prepared)] : [];
  const settle = (rest: Pick<Settlement, "receipts" | "park">): Next => {
    return { kind: "settle", settlement: { ...plain, ...rest, fields: planned.fields, entries } };
  };
  const undone = nextOfDoubts(deps, prepared, { plain, entries, settle });
  if (undone) return undone;
  const hold = decision.holds.find(({ before }) => before === undefined);
  if (hold) return settle({ receipts, park: { reason: "held", detail: hold.reason } });
  if (planned.diverging) {
    const detail = `${planned.diverging} was written ${deps.limits.convergeWritesMax} times and changed back; find what else writes it, then redrive`;
    const park = { reason: "not_converging", detail };
    if (planned.note === undefined || planned.escalations.length === 0) return settle({ receipts, park });
    // What its clocks have come to is told all the same: a step comes due once. Nothing else is written.
    const told = { ...prepared, planned: { ...planned, changes: [], suggested: [] } };
    return { kind: "write", work: workOf(deps, told, planned.note, { settlement: { ...plain, park }, entries }) };
  }
  if (planned.note === undefined) return settle({ receipts: [...receipts, ...prepared.owedReceipts] });
  return { kind: "write", work: workOf(deps, prepared, planned.note, { settlement: plain, entries }) };
}

function decisionDraft(deps: ReconcileDeps, { claim, ticket, decision }: Prepared): Draft {
  const { id, policyVersion, inputsDigest, because, set, holds } = decision;
  const body = {
    id,
    key: ticket.ref.key,
    revision: ticket.revision,
    mode: carefulOf(modeOf(deps, claim.connection), decision.mode),
    policyVersion,
    inputsDigest,
    because: because.map(({ rule }) => rule),
    set,
    holds,
  };
  return {
    kind: "decision",
    ticket: ticketId({ connection: claim.connection, type: claim.type, id: claim.recordId }),
    body,
  };
}

function driftText(mapping: string, drift: readonly Drift[]): string {
  const each = drift.map(({ field, path, received }) => `${field}${path === "" ? "" : ` (${path})`}: ${received}`);
  return `mapping ${mapping} does not know ${each.join("; ")}; add the value to the mapping, then redrive`.slice(
    0,
    400,
  );
}
