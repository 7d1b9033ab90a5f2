import type { AskWho, GatePlan, JudgedGate } from "../act/gate-plan.ts";
import { planGates } from "../act/gates.ts";
import { type Plan, plan } from "../act/plan.ts";
import type { Decision, Gate } from "../decision.ts";
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
import { gatesFact, judgedGates, namesIn, type QueueView } from "./approvals.ts";
import { modeOf, type ReconcileDeps } from "./deps.ts";
import { gateDrafts } from "./gate-entries.ts";
import { nextOfDoubts } from "./give-back.ts";
import type { LookBack } from "./look-back.ts";
import { type Recovery, recover } from "./recover.ts";
import { nextOfRevoked } from "./take-back.ts";
import { wakeAt } from "./wake.ts";
import { reasonsOf, type Work, workOf } from "./work.ts";

/** What is to be done about one ticket after it was read. */
export type Next =
  | { kind: "park"; reason: string; detail: string }
  | { kind: "ignore" }
  | { kind: "wait"; ms: number; counts: "attempt" | "neither" }
  | { kind: "settle"; settlement: Settlement }
  | { kind: "write"; work: Work }
  /** The rules cannot say before these are known. */
  | { kind: "facts"; ticket: Ticket; needs: readonly FactName[] }
  /** People are to be asked, and it is not known yet who may answer. */
  | { kind: "approvers"; ticket: Ticket; gates: readonly Gate[] };

type Found = Extract<ReadOutcome, { found: true }>;

/** What was found out about a ticket before it is decided on. */
export interface Read extends LookBack, Fetched {
  readAtMs: number;
  policy: Policy;
  queue: QueueView;
  /** The connection says where its people approve. */
  canAsk: boolean;
  /** Rule → who is to be asked, as far as that was looked up. */
  who: ReadonlyMap<string, AskWho>;
  /** The ticket in a model's own words, for those who are asked now and for nothing else. */
  summary?: string;
}

/** Maps, decides and plans for one ticket that was read at `readAtMs`. Makes no call and writes nothing. */
export function prepare(
  deps: ReconcileDeps,
  claim: Claim,
  found: Found,
  mapping: Mapping | undefined,
  read: Read,
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
    queue: read.queue,
    nowMs: claim.claimedAtMs,
    unknownOutcomeWaitMs: deps.limits.unknownOutcomeWaitMs,
  });
  if (recovery.waitMs !== undefined) return { kind: "wait", ms: recovery.waitMs, counts: "neither" };
  const { policy } = read;
  const nowMs = deps.clock.now();
  const judged = judgedGates(claim, read.queue, { requesterId: ticket.requester.id, nowMs });
  const gates = gatesFact(judged);
  const facts: Facts = {
    ...read.facts,
    clocks: claim.memory?.clocks ?? {},
    ...(Object.keys(gates).length > 0 && { gates }),
  };
  const outcome = decide(ticket, facts, policy, nowMs);
  if ("needs" in outcome) return { kind: "facts", ticket, needs: outcome.needs };
  const known = { claim, ticket, mapping, recovery, found, judged, nowMs };
  return planFor(deps, read, { ...known, decision: outcome.decision, facts });
}

/** What was found out about a ticket, and what is decided about it. */
interface Decided extends Pick<Prepared, "claim" | "ticket" | "mapping" | "recovery" | "decision" | "found" | "nowMs"> {
  judged: readonly JudgedGate[];
  facts: Facts;
}

/** Plans what a decision asks for, or names those who must be known first. */
function planFor(deps: ReconcileDeps, read: Read, decided: Decided): Next {
  const { claim, ticket, mapping, recovery, decision, found, judged, facts, nowMs } = decided;
  const mode = carefulOf(modeOf(deps, claim.connection), decision.mode);
  const told = new Set(recovery.told.flatMap(({ because }) => because));
  const approvals = planGates({
    ...{ ticket, decision, judged, mode, told, canAsk: read.canAsk, who: read.who },
    before: claim.memory?.gates ?? [],
    nowMs,
  });
  if (approvals.unresolved.length > 0) return { kind: "approvers", ticket, gates: approvals.unresolved };
  const [digest, suggestion] = [outcomeDigest(decision), suggestionDigest(decision)];
  const planned = plan({
    ticket,
    decision,
    suggestionDigest: suggestion,
    mapping,
    memory: remembered(claim.memory, recovery, { decision, suggestion }),
    mode,
    owed: recovery.owed,
    toldSteps: told,
    gateNews: [approvals.asks, approvals.cancels, approvals.undos, approvals.events].some((list) => list.length > 0),
    nowMs,
    limits: deps.limits,
  });
  // Where nothing may be written nobody is told of a request that a crash left half made: it stays in doubt.
  const askReceipts = mode === "act" ? recovery.askReceipts : [];
  return next(deps, {
    ...{ recovery: { ...recovery, askReceipts }, claim, ticket, mapping, decision },
    inputs: inputsOf(ticket, facts, read.policy, nowMs, decision),
    digest,
    suggestion,
    planned,
    approvals,
    judged,
    canAsk: read.canAsk,
    names: namesIn(read.queue),
    nowMs,
    // What no note will tell any more is closed now.
    receipts: planned.note === "suggestion" ? [...recovery.receipts, ...recovery.owedReceipts] : recovery.receipts,
    owedReceipts: planned.note === "suggestion" ? [] : recovery.owedReceipts,
    found,
    readAtMs: read.readAtMs,
    evidence: read.entries,
    words: read.words,
    summary: read.summary,
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
    gates: [],
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
  approvals: GatePlan;
  /** Rounds as the queue shows them. */
  judged: readonly JudgedGate[];
  /** The connection says where its people approve. */
  canAsk: boolean;
  /** Ids of people who approve → names, for notes. */
  names: ReadonlyMap<string, string>;
  nowMs: number;
  receipts: Receipt[];
  owedReceipts: Receipt[];
  found: Found;
  readAtMs: number;
  /** What the ledger is to hold of the facts, with the decision. */
  evidence: readonly Draft[];
  /** A model's own words, for a note that is written now. */
  words: string | undefined;
  /** The same, for those who are asked to approve. */
  summary: string | undefined;
}

/** What is remembered of a ticket whatever is done about it. */
export type Plain = Pick<
  Settlement,
  "recordKey" | "revision" | "wakeAtMs" | "skips" | "gates" | "decided" | "suggestedDigest" | "advised" | "outcomes"
>;

function next(deps: ReconcileDeps, prepared: Prepared): Next {
  const { claim, ticket, recovery, decision, digest, suggestion, planned, receipts } = prepared;
  // A decision is told once, not at every look at the ticket: only a new outcome, or an effect, is news.
  const news = claim.memory?.outcomeDigest !== digest || planned.note !== undefined;
  const plain: Plain = {
    recordKey: ticket.ref.key,
    revision: ticket.revision,
    wakeAtMs: wakeAt(deps, prepared),
    skips: planned.skips,
    ...labelsAfter(ticket, decision, { memory: claim.memory, acts: planned.changes.length > 0 }),
    ...(news && { decided: { decision, outcomeDigest: digest, inputs: prepared.inputs } }),
    ...(isSuggested(recovery, decision) && { suggestedDigest: suggestion }),
  };
  const entries = news ? [...prepared.evidence, decisionDraft(deps, prepared)] : [];
  const settle = (rest: Partial<Settlement>): Next => {
    return { kind: "settle", settlement: { ...plain, fields: planned.fields, ...rest, entries } };
  };
  const undone = nextOfDoubts(deps, prepared, { plain, entries, settle });
  if (undone) return undone;
  const revoked = nextOfRevoked(deps, prepared, { plain, entries, settle });
  if (revoked) return revoked;
  const hold = decision.holds.find(({ before }) => before === undefined);
  if (hold) return settle({ receipts, park: { reason: "held", detail: hold.reason } });
  if (planned.diverging) {
    const detail = `${planned.diverging} was written ${deps.limits.convergeWritesMax} times and changed back; find what else writes it, then redrive`;
    const park = { reason: "not_converging", detail };
    if (planned.note === undefined || planned.escalations.length === 0) return settle({ receipts, park });
    // What its clocks have come to is told all the same: a step comes due once. Nothing else is written.
    const told = {
      ...prepared,
      planned: { ...planned, changes: [], suggested: [] },
      approvals: { ...prepared.approvals, ...NOTHING_ASKED, decided: prepared.claim.memory?.gates ?? [] },
    };
    return { kind: "write", work: workOf(deps, told, planned.note, { settlement: { ...plain, park }, entries }) };
  }
  const { park, memory: gates } = prepared.approvals;
  // Only here, where people are told of it: anywhere else what became of approvals is found again at the next look.
  const settlement = { ...plain, gates, ...(park && { park }) };
  const told = [...entries, ...gateDrafts(prepared)];
  const closed = [...receipts, ...recovery.askReceipts];
  if (planned.note !== undefined) {
    const all = { ...prepared, receipts: closed };
    return { kind: "write", work: workOf(deps, all, planned.note, { settlement, entries: told }) };
  }
  const receiptsNow = [...closed, ...prepared.owedReceipts];
  return {
    kind: "settle",
    settlement: { ...settlement, receipts: receiptsNow, fields: planned.fields, entries: told },
  };
}

const NOTHING_ASKED = { asks: [], cancels: [], undos: [], events: [] };

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
