import { gateLines } from "../act/gate-note.ts";
import { eventName } from "../act/gates.ts";
import { markerOf, noteText } from "../act/note.ts";
import { type FieldChange, stepName } from "../act/plan.ts";
import type { Mode } from "../config/settings.ts";
import type { Action, Decision } from "../decision.ts";
import type { GateMemory } from "../gates/gate.ts";
import type { Draft } from "../ledger/entry.ts";
import type { Mapping } from "../mapping/mapping.ts";
import { readPath } from "../mapping/path.ts";
import { BOARD } from "../policy/risk.ts";
import type { FieldWrite, VendorRecord, Write } from "../ports.ts";
import type { Receipt, Settlement, TicketMemory } from "../store/store.ts";
import type { SettableField } from "../ticket.ts";
import { type ApprovalWork, askText, roundOf } from "./approval-work.ts";
import { modeOf, type ReconcileDeps } from "./deps.ts";
import type { Prepared } from "./prepare.ts";
import type { PlannedEnd } from "./take-back.ts";

/** A planned write with all that is needed to record it before and after. */
export interface Work {
  write: Write;
  actions: Action[];
  changes: FieldChange[];
  /** What is done about approvals before the fields are written. */
  approvals: ApprovalWork;
  /** What is remembered of approvals before anything is written. */
  decided?: readonly GateMemory[];
  /** Rounds that were asked, once they were. */
  asked: GateMemory[];
  /** It put the record on hold past its fields, to undo a side door. */
  held: boolean;
  /** Vendor id of whoever asked for the ticket, for the record of approvals. */
  requester: string;
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
  /** What it undoes; absent where nothing. */
  revokes?: readonly PlannedEnd[];
  /** Rounds as they are once its requests were taken back. */
  gates?: readonly GateMemory[];
}

/** The write that a plan comes to, with its intents and its note. */
export function workOf(
  deps: ReconcileDeps,
  prepared: Prepared,
  kind: "change" | "suggestion",
  rest: Pick<Work, "settlement" | "entries">,
): Work {
  const { claim, ticket, mapping, decision, suggestion, planned, receipts, owedReceipts, found, readAtMs } = prepared;
  const { asks, events } = kind === "change" ? prepared.approvals : { asks: [], events: [] };
  const because = [...reasonsOf(decision, planned.escalations), ...events.map(eventName)];
  // A suggestion shows what would be written; only a change writes it.
  const sets = planned.changes.map(
    (change): Action => ({
      ...{ id: deps.ids.short(), kind: "set", ...change, decisionId: decision.id, marker: "" },
      because: guardReasons(change.field, decision) ?? because,
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
    // What rides on an approval is written only on top of what was approved: it is read again just before.
    readAtMs: sets.length > 0 && decision.gates.some(({ state }) => state === "granted") ? 0 : readAtMs,
    fields: sets.map((action, index) => fieldWrite(action, planned.changes[index], mapping, found.record)),
    note: {
      actionId: noteId,
      marker,
      text: noteText({
        ...{ kind, decision, marker },
        changes: told,
        advised: planned.advised,
        escalations: planned.escalations,
        gates: gateLines(events, { asks, decision, names: prepared.names }),
        words: prepared.words,
        witness: deps.witness?.(),
      }),
    },
  };
  const done = approvalWork(deps, prepared, kind);
  return {
    write,
    actions: [...sets, ...done.actions, note],
    approvals: done.approvals,
    decided: prepared.approvals.decided,
    asked: [],
    held: false,
    requester: ticket.requester.id,
    changes: planned.changes,
    mode: modeOf(deps, claim.connection),
    earlier: receipts,
    owedReceipts,
    fields: planned.fields,
    ...((kind === "suggestion" || planned.advised.length > 0) && { suggests: suggestion }),
    givesBack: false,
    ...rest,
  };
}

/** The intents of all that is done about approvals, with what is needed to carry them out. */
function approvalWork(
  deps: ReconcileDeps,
  { ticket, decision, approvals, summary, nowMs }: Prepared,
  kind: "change" | "suggestion",
): { actions: Action[]; approvals: ApprovalWork } {
  const { asks, cancels, undos } = kind === "change" ? approvals : { asks: [], cancels: [], undos: [] };
  const actions: Action[] = [];
  const intend = (
    what: "ask" | "cancel" | "undo",
    rule: string,
    marker?: string,
  ): { actionId: string; marker: string } => {
    const id = deps.ids.short();
    const under = marker ?? markerOf(id);
    const plain = { field: "gate", before: null, after: null } as const;
    actions.push({ id, kind: what, ...plain, because: [rule], decisionId: decision.id, marker: under });
    return { actionId: id, marker: under };
  };
  const asked = asks.map((ask) => {
    const text = askText(ask, ticket, decision, { summary, nowMs });
    const round = roundOf(ask, ticket.requester.id);
    return { ...intend("ask", ask.gate.rule, ask.half?.marker), round, half: ask.half, undone: ask.undone, text };
  });
  return {
    approvals: {
      asks: asked,
      cancels: cancels.map((memory) => ({ actionId: intend("cancel", memory.rule, memory.marker).actionId, memory })),
      undos: undos.map(({ memory, state }) => {
        const { actionId } = intend("undo", memory.rule, memory.marker);
        return { actionId, memory, state };
      }),
    },
    actions,
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

/** What a field that the platform's own approvals read is set for: not by the rule that routes the ticket. */
function guardReasons(field: SettableField, { risk, holds, gates }: Decision): string[] | undefined {
  if (field === "cabRequired") return [BOARD];
  if (field === "changeRisk") return (risk?.factors ?? []).map(({ id }) => id).slice(0, REASONS_MAX);
  if (field !== "onHold") return undefined;
  const passed = gates.filter((gate) => gate.passed.length > 0);
  return [...holds, ...passed].map(({ rule }) => rule).slice(0, REASONS_MAX);
}

const REASONS_MAX = 20;

/** Rules and steps, as an action names what it was done for. */
export function reasonsOf(decision: Decision, escalations: Decision["escalations"]): string[] {
  return [...decision.because.map(({ rule }) => rule), ...escalations.map(stepName)];
}
