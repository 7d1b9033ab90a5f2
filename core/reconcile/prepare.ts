import { markerOf, noteText } from "../act/note.ts";
import { type FieldChange, type Plan, plan, stepName } from "../act/plan.ts";
import type { Mode } from "../config/settings.ts";
import type { Action, Decision } from "../decision.ts";
import type { Draft } from "../ledger/entry.ts";
import type { Drift } from "../mapping/field.ts";
import type { Mapping } from "../mapping/mapping.ts";
import { readPath } from "../mapping/path.ts";
import { carefulOf } from "../policy/autonomy.ts";
import { decide, inputsOf, outcomeDigest, suggestionDigest } from "../policy/decide.ts";
import type { FactName, Facts } from "../policy/facts.ts";
import type { Inputs } from "../policy/inputs.ts";
import type { Policy } from "../policy/policy.ts";
import type { FieldWrite, ReadOutcome, VendorRecord, Write } from "../ports.ts";
import type { Claim, Receipt, Settlement, TicketMemory } from "../store/store.ts";
import { type Ticket, type TicketRef, ticketId } from "../ticket.ts";
import { modeOf, type ReconcileDeps } from "./deps.ts";
import { nextOfDoubts } from "./give-back.ts";
import type { LookBack } from "./look-back.ts";
import { type Recovery, recover } from "./recover.ts";

/** What is to be done about one ticket after it was read. */
export type Next =
  | { kind: "park"; reason: string; detail: string }
  | { kind: "ignore" }
  | { kind: "wait"; ms: number; counts: "attempt" | "neither" }
  | { kind: "settle"; settlement: Settlement }
  | { kind: "write"; work: Work }
  /** The rules cannot say before these are known. */
  | { kind: "facts"; ticket: Ticket; needs: readonly FactName[] };

/** A planned write with all that is needed to record it before and after. */
export interface Work {
  write: Write;
  actions: Action[];
  changes: FieldChange[];
  /** The mode it was planned under. */
  mode: Mode;
  /** What became of earlier writes; recorded with the end of the claim, so that a crash before it leaves every doubt open. */
  earlier: Receipt[];
  /** To be recorded when the note is written: what it tells of earlier writes. */
  owedReceipts: Receipt[];
  entries: Draft[];
  /** What is remembered besides the fields that the write changes. */
  settlement: Omit<Settlement, "fields" | "entries">;
  fields: TicketMemory["fields"];
  /** The outcome that its note suggests, if it does. */
  suggests?: string;
  /** It puts back what a person had set. */
  givesBack: boolean;
}

type Found = Extract<ReadOutcome, { found: true }>;

/** Maps, decides and plans for one ticket that was read at `readAtMs`. Makes no call and writes nothing. */
export function prepare(
  deps: ReconcileDeps,
  claim: Claim,
  found: Found,
  mapping: Mapping | undefined,
  read: LookBack & { readAtMs: number; facts: Facts; policy: Policy },
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
  const known = { revision: "", decisionId: "", outcomeDigest: "", suggestedDigest: "", clocks: {}, ...memory, fields };
  return toldAlready ? { ...known, suggestedDigest: suggestion } : known;
}

/** A note of the same rules stands already. */
function isSuggested({ told }: Pick<Recovery, "told">, decision: Decision): boolean {
  const rules = reasonsOf(decision, decision.escalations).join();
  return told.some(({ because }) => because.join() === rules);
}

/** Rules and steps, as an action names what it was done for. */
function reasonsOf(decision: Decision, escalations: Decision["escalations"]): string[] {
  return [...decision.because.map(({ rule }) => rule), ...escalations.map(stepName)];
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
}

/** What is remembered of a ticket whatever is done about it. */
export type Plain = Pick<Settlement, "recordKey" | "revision" | "wakeAtMs" | "skips" | "decided" | "suggestedDigest">;

function next(deps: ReconcileDeps, prepared: Prepared): Next {
  const { claim, ticket, recovery, decision, digest, suggestion, planned, receipts } = prepared;
  // A decision is told once, not at every look at the ticket: only a new outcome, or an effect, is news.
  const news = claim.memory?.outcomeDigest !== digest || planned.note !== undefined;
  const plain: Plain = {
    recordKey: ticket.ref.key,
    revision: ticket.revision,
    wakeAtMs: decision.wakeAt === null ? null : Date.parse(decision.wakeAt),
    skips: planned.skips,
    ...(news && { decided: { decision, outcomeDigest: digest, inputs: prepared.inputs } }),
    ...(isSuggested(recovery, decision) && { suggestedDigest: suggestion }),
  };
  const entries = news ? [decisionDraft(deps, prepared)] : [];
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

function workOf(
  deps: ReconcileDeps,
  { claim, ticket, mapping, decision, suggestion, planned, receipts, owedReceipts, found, readAtMs }: Prepared,
  kind: "change" | "suggestion",
  rest: Pick<Work, "settlement" | "entries">,
): Work {
  const because = reasonsOf(decision, planned.escalations);
  // A suggestion shows what would be written; only a change writes it.
  const sets = planned.changes.map(
    (change): Action => ({
      id: deps.ids.short(),
      kind: "set",
      ...change,
      because,
      decisionId: decision.id,
      marker: "",
    }),
  );
  const noteId = deps.ids.short();
  const marker = markerOf(noteId);
  const note: Action = {
    id: noteId,
    kind: "note",
    field: "note",
    before: null,
    after: null,
    because,
    decisionId: decision.id,
    marker,
  };
  const told = kind === "change" ? [...planned.owed, ...planned.changes] : planned.suggested;
  const write: Write = {
    ref: ticket.ref,
    recordType: found.recordType,
    revision: ticket.revision,
    readAtMs,
    fields: sets.map((action, index) => fieldWrite(action, planned.changes[index], mapping, found.record)),
    note: {
      actionId: noteId,
      marker,
      text: noteText({ kind, decision, changes: told, escalations: planned.escalations, marker }),
    },
  };
  return {
    write,
    actions: [...sets, note],
    changes: planned.changes,
    mode: modeOf(deps, claim.connection),
    earlier: receipts,
    owedReceipts,
    fields: planned.fields,
    ...(kind === "suggestion" && { suggests: suggestion }),
    givesBack: false,
    ...rest,
  };
}

function fieldWrite(
  action: Action,
  change: FieldChange | undefined,
  mapping: Mapping,
  record: VendorRecord,
): FieldWrite {
  const patch = change && mapping.toVendor(change.field, change.after);
  if (!change || !patch) throw new Error(`action ${action.id} was planned for a field that cannot be written`);
  const seen = Object.fromEntries(Object.keys(patch).map((path) => [path, readPath(record, path)]));
  return { actionId: action.id, field: change.field, after: change.after, patch, seen };
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
