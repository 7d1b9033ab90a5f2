/** What the demo prints at its end. */
import Table from "cli-table3";
import type { Running } from "../../cli/server.ts";
import { coverageSentence, percentOf } from "../../core/advice/calibration/coverage.ts";
import { amountText } from "../../core/advice/money.ts";
import type { Decision } from "../../core/decision.ts";
import { GIVEN_BACK } from "../../core/revocation.ts";
import type { Trained } from "./advice.ts";
import { type Approvals, type Audit, type Outcome, waitsFor } from "./audit.ts";

const LOG_ROWS = 12;
const PLAIN = { style: { head: [], border: [] } };

/** The hand-written tickets one by one, then the first of the log's. */
export function ticketTable({ outcomes }: Audit): string {
  const own = outcomes.filter(({ filed }) => !isLog(filed.title));
  const log = outcomes.filter(({ filed }) => isLog(filed.title));
  const rows = [...own, ...log.slice(0, LOG_ROWS)].map(row);
  // The names of tickets and rules are copied from here, so they stand whole.
  const wholeWidth = (column: number): number => Math.max(8, ...rows.map((cells) => cells[column]?.length ?? 0)) + 2;
  const table = new Table({
    head: ["ticket", "says", "decided", "by rule", "AI", "written back"],
    colWidths: [wholeWidth(0), 34, 24, wholeWidth(3), 22, 34],
    wordWrap: true,
    ...PLAIN,
  });
  table.push(...rows);
  const more = log.length - Math.min(LOG_ROWS, log.length);
  return more > 0 ? `${table.toString()}\n... and ${more} more incidents of the public log` : table.toString();
}

function isLog(title: string): boolean {
  return title.startsWith("Category ");
}

function row({ filed, view, notes, group }: Outcome): string[] {
  const desired = Object.values(view?.decision?.set ?? {}).join(", ");
  const rule = view?.decision?.because.map(({ rule: id }) => id).join(", ") ?? "";
  const sets = (view?.actions ?? [])
    .filter(({ kind }) => kind === "set")
    .map(({ field, before, after, because }) =>
      because.includes(GIVEN_BACK)
        ? `${field}: a person's value put back`
        : `${field}: ${before || "(empty)"} -> ${after ?? ""}`,
    );
  const kept = sets.length === 0 ? [`nothing: stands with ${group || "(empty)"}`] : sets;
  const waits = view?.decision ? waitsFor(view.decision) : [];
  const waiting = waits.length > 0 ? [`waits for ${waits.join(", ")}`] : [];
  const theirs = view?.fields.assignmentGroup?.theirs ? [`then changed by a person: ${group}`] : [];
  const note = notes.length > 0 ? [`${notes.length} ${notes.length === 1 ? "note" : "notes"}`] : [];
  return [
    `${filed.connection}/${filed.key}`,
    filed.title.slice(0, 60),
    desired,
    rule,
    view?.decision ? adviceCell(view.decision) : "",
    [...kept, ...waiting, ...theirs, ...note].join("\n"),
  ];
}

/** What AI did about a ticket, and how often such answers are wrong at the most; empty where it changed nothing. */
function adviceCell({ advice, suggests }: Decision): string {
  if (!advice?.moved) return "";
  const bounds = advice.answers.flatMap(({ field, boundBp }) =>
    field === "category" ? [boundBp === null ? "not measured" : `wrong in <= ${percentOf(boundBp)}`] : [],
  );
  if (advice.limit === null) return `settled it: ${bounds.join(", ")}`;
  const allowed = advice.targetBp === null ? "" : `, allowed: ${percentOf(advice.targetBp)}`;
  const why = advice.limit === "audit" ? "drawn for the audit sample" : `${bounds.join(", ")}${allowed}`;
  return `only suggests ${Object.values(suggests).join(", ")}: ${why}`;
}

/** What was learnt before the start, and what it is worth. */
export function trainedLines({ tickets, calibrations }: Trained): string[] {
  const { category } = calibrations;
  const worth = category ? [`${coverageSentence(category, [200, 500])}`] : [];
  return [
    `The local model was trained on ${tickets} closed tickets of the simulated ServiceNow, written for this demo, and measured`,
    `on them by cross-fitting: real desks do less well. ${worth.join("")}\n`,
  ];
}

/** How often each rule decided, and in how many tickets that changed something. */
export function ruleTable({ outcomes }: Audit): string {
  const rules = new Map<string, { decided: number; changed: number }>();
  for (const { view } of outcomes) {
    for (const { rule } of view?.decision?.because ?? []) {
      const count = rules.get(rule) ?? { decided: 0, changed: 0 };
      count.decided += 1;
      if (view?.actions.some(({ kind }) => kind === "set")) count.changed += 1;
      rules.set(rule, count);
    }
  }
  const table = new Table({ head: ["rule", "tickets", "of them changed"], ...PLAIN });
  for (const [rule, { decided, changed }] of [...rules].sort(([, a], [, b]) => b.decided - a.decided))
    table.push([rule, decided, changed]);
  return table.toString();
}

export interface Numbers {
  tickets: number;
  signals: number;
  reconciles: number;
  vendorCalls: number;
  notes: number;
  keptForPeople: number;
  /** What people were asked to approve, and what they answered, as the ledger has it. */
  approvals: Approvals;
  /** Tickets with a gate or hold of any kind. */
  guarded: number;
  /** Tickets that the local model had something to say about. */
  advised: number;
  /** Where they go was settled by it. */
  settledByAdvice: number;
  /** It would have sent them elsewhere, and a person is told. */
  suggestedByAdvice: number;
  /** Of these, drawn for the audit sample. */
  auditedAdvice: number;
  spentMicros: number;
  /** Tickets whose clocks or freezes wake them later. */
  asleep: number;
  seconds: number;
}

export async function numbers(result: Audit, server: Running, seconds: number): Promise<Numbers> {
  const { metrics, store } = server;
  const decisions = result.outcomes.flatMap(({ view }) => view?.decision ?? []);
  return {
    tickets: result.outcomes.length,
    signals: (await store.counts()).signals,
    reconciles: await metrics.total("interlock_reconciles_total"),
    vendorCalls: await metrics.total("interlock_vendor_calls_total"),
    notes: result.outcomes.reduce((sum, { notes }) => sum + notes.length, 0),
    keptForPeople: result.outcomes.filter(({ view }) => view?.fields.assignmentGroup?.theirs).length,
    approvals: result.approvals,
    guarded: decisions.filter(({ gates, holds }) => gates.length + holds.length > 0).length,
    ...advisedIn(decisions),
    spentMicros: await metrics.total("interlock_advice_micros_total"),
    asleep: decisions.filter(({ wakeAt }) => wakeAt !== null).length,
    seconds,
  };
}

function advisedIn(
  decisions: readonly Decision[],
): Pick<Numbers, "advised" | "settledByAdvice" | "suggestedByAdvice" | "auditedAdvice"> {
  const given = decisions.flatMap(({ advice }) => (advice && advice.absent === null ? [advice] : []));
  const moved = given.filter((advice) => advice.moved);
  return {
    advised: given.length,
    settledByAdvice: moved.filter(({ limit }) => limit === null).length,
    suggestedByAdvice: moved.filter(({ limit }) => limit !== null).length,
    auditedAdvice: moved.filter(({ limit }) => limit === "audit").length,
  };
}

function approvalLine({ asked, granted, refused, again, open }: Approvals): string {
  const queues = `Approvers were asked ${asked} times in their own queues: ${granted} approvals, ${refused} rejection`;
  return `${queues}${refused === 1 ? "" : "s"}, ${again} asked again since what was approved changed, ${open} not answered yet`;
}

export function numberLines(counted: Numbers, ledgerEntries: number): string[] {
  const calls = (counted.vendorCalls / counted.tickets).toFixed(2);
  return [
    `${counted.tickets} tickets, ${counted.signals} signals, ${counted.reconciles} reconciles, ${counted.vendorCalls} vendor calls (${calls} per ticket), ${counted.notes} notes, in ${counted.seconds.toFixed(1)} s`,
    `${counted.keptForPeople} tickets were reassigned by a person after Interlock, and stayed as that person set them`,
    `${counted.guarded} tickets met a gate or a freeze. ${approvalLine(counted.approvals)}`,
    `AI (the local model alone) had advice on ${counted.advised} tickets: it settled where ${counted.settledByAdvice} go, only suggested it for ${counted.suggestedByAdvice} (${counted.auditedAdvice} of them drawn for the audit sample), and changed nothing about the rest; spent ${amountText(counted.spentMicros)} EUR`,
    `${counted.asleep} tickets wake by themselves later, for the next step of a clock or the end of a freeze`,
    `ledger verified: ${ledgerEntries} entries; the stop of the server adds one more`,
  ];
}
