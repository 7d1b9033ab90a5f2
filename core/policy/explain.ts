import { whoText } from "../act/gate-note.ts";
import { ABSENT, answerText, namedLines, relianceLine } from "../act/note.ts";
import { instant } from "../clock.ts";
import type { Decision, SkipReason, SlaState } from "../decision.ts";
import { GIVEN_BACK, REVOKED } from "../revocation.ts";
import type { TicketView } from "../store/store.ts";
import { durationText } from "./duration.ts";
import { isTraceOf, readText, type TraceLine, traceLines } from "./trace.ts";

const OUTCOMES: Readonly<Record<string, string>> = {
  open: "its outcome is not known yet",
  applied: "done",
  unconfirmed: "accepted, but could not be read back",
  dropped: "accepted by the vendor, which then kept the old value",
  found: "done, found by reading back",
  abandoned: "did not take effect",
};

const SKIPS: Readonly<Record<SkipReason, string>> = {
  owned_by_person: "a person chose its value",
  not_writable: "its mapping has no way to write that value",
  already_so: "it has that value",
  waits_for_approval: "it waits for an approval",
  advice_gone: "advice led to its value, and that there is none now is no reason to take it back",
};

/** What is known of a ticket, in sentences. With `trace`, every rule and what it read. */
export function explain(view: TicketView, trace: boolean): string[] {
  const lines = [`${view.connection}/${view.key}`];
  const { decision, parked, rules } = view;
  if (parked) lines.push(`It waits for a person since ${instant(parked.atMs)}: ${parked.reason}. ${parked.detail}`);
  lines.push(...failingLines(view));
  if (!decision) {
    lines.push(parked ? "No decision was made." : "A signal named it; no decision was made yet.");
    return lines;
  }
  const traced = rules && isTraceOf(decision, rules) ? traceLines(decision.trace, rules) : [];
  const settled = view.settledAtMs === undefined ? "" : ` at ${instant(view.settledAtMs)}`;
  lines.push(`Decision ${decision.id}${settled}, policy ${decision.policyVersion}:`);
  const wanted = Object.entries(decision.set).map(([field, value]) => `${field} = ${String(value)}`);
  lines.push(wanted.length > 0 ? `  It should have ${wanted.join(", ")}.` : "  It is left as it is.");
  for (const { field, reason } of view.skips) lines.push(`  Not written: ${field}, since ${SKIPS[reason]}.`);
  for (const { rule, why } of decision.because) lines.push(`  Because: ${why} (rule ${rule}).`);
  for (const hold of decision.holds) lines.push(`  Held: ${hold.reason}.`);
  const determining = traced.find(({ rule }) => decision.because.some((because) => rule === `routing/${because.rule}`));
  const read = determining && readText(determining.reads);
  if (read) lines.push(`  The rule read: ${read}.`);
  lines.push(
    ...riskLines(decision),
    ...rollbackLines(decision),
    ...gateLines(decision),
    ...answerLines(view),
    ...clockLines(decision),
    ...autonomyLines(decision),
  );
  lines.push(...adviceLines(decision));
  lines.push(...actionLines(view), ...ownershipLines(view));
  lines.push(
    view.dueAtMs === null
      ? "It is looked at again when its system reports a change."
      : `It is due to be looked at again at ${instant(view.dueAtMs)}.`,
  );
  if (trace) lines.push(...ruleLines(traced));
  return lines;
}

function failingLines({ failing, dueAtMs }: TicketView): string[] {
  if (!failing) return [];
  const { reason, detail, attempts, outages } = failing;
  const tries = attempts + outages;
  const next = dueAtMs === null ? "" : ` It is tried again at ${instant(dueAtMs)}.`;
  return [`The last of ${tries} ${tries === 1 ? "try" : "tries"} failed: ${reason}. ${sentence(detail)}${next}`];
}

function sentence(text: string): string {
  return text === "" || /[.!?]$/.test(text) ? text : `${text}.`;
}

function actionLines(view: TicketView): string[] {
  if (view.actions.length === 0) return ["Nothing was written."];
  return [
    "Written:",
    ...view.actions.map((action) => {
      const detail = SAID_ALREADY.has(action.detail) ? "" : ` (${action.detail})`;
      const what = whatWasWritten(action);
      return `  ${instant(action.intentAtMs)} ${what}: ${OUTCOMES[action.state] ?? action.state}${detail}`;
    }),
  ];
}

/** Details that the outcome has told. */
const SAID_ALREADY = new Set(["", "read back", "found on reading back"]);

function whatWasWritten(action: TicketView["actions"][number]): string {
  if (action.because[0] === REVOKED) return whatWasRevoked(action);
  if (action.kind === "note") return `a note ${action.marker}`;
  if (action.kind === "ask") return `asked for approval (rule ${action.because.join(", ")}) ${action.marker}`;
  if (action.kind === "cancel")
    return `took back a request for approval (rule ${action.because.join(", ")}) ${action.marker}`;
  if (action.kind === "undo")
    return `undid what came past an approval (rule ${action.because.join(", ")}) ${action.marker}`;
  // What a person had set is known by the vendor's id, which is no word for a reader.
  if (action.because.includes(GIVEN_BACK))
    return `${action.field}: put back to what a person had set at the same moment`;
  return `${action.field}: ${shown(action.before)} -> ${shown(action.after)}`;
}

function whatWasRevoked({ kind, field, before, after, marker }: TicketView["actions"][number]): string {
  if (kind === "note") return `a note about what was revoked ${marker}`;
  if (kind === "cancel") return `took back a request for approval, which was revoked ${marker}`;
  return `${field}: revoked, ${shown(before)} -> ${shown(after)}`;
}

function ownershipLines(view: TicketView): string[] {
  const revoked = new Set(
    view.actions.filter(({ because }) => because[0] === REVOKED).map(({ field }) => String(field)),
  );
  return Object.entries(view.fields).flatMap(([field, memory]) => {
    if (!memory?.theirs) return [];
    const why = revoked.has(field) ? `What we set in ${field} was revoked` : `A person changed ${field} after us`;
    return [`${why}; it is ${revoked.has(field) ? "left to people" : "theirs and is left alone"}.`];
  });
}

function riskLines({ risk }: Decision): string[] {
  if (!risk) return [];
  const { points, tier, by, factors } = risk;
  const scored = by === "model" ? ", by the trained model and by what is not known" : "";
  return [
    `  Its risk is ${tier.replace("_", " ")}, with ${points} points${scored}.`,
    ...factors.map((factor) => {
      const read = factor.value === "" ? "" : ` [${factor.value}]`;
      return `    ${factor.points < 0 ? "" : "+"}${factor.points} ${factor.why} (${factor.id})${read}`;
    }),
  ];
}

function rollbackLines({ rollback }: Decision): string[] {
  if (!rollback) return [];
  const { state, rule, evidence, automatic } = rollback;
  const alone = automatic ? ", without anybody having been asked" : "";
  return [`  ${GOES_BACK[state]}${alone}: ${evidence} (rule ${rule}).`];
}

const GOES_BACK = {
  go: "Its group is to roll it back",
  asked: "People decide whether it is rolled back",
  no: "It is not rolled back",
} as const;

function gateLines({ gates }: Decision): string[] {
  return gates.map(({ why, groups, people, need, before, expiresMs, expiresAt, state, passed, rule }) => {
    const who = whoText({ groups, people, need, fallback: false });
    const about = `, before ${before.join(", ")}`;
    const past = passed.length > 0 ? ` Past it came: ${passed.join(", ")}.` : "";
    const reason = `: ${why} (rule ${rule}).${past}`;
    if (state === "needed") return `  Needs approval by ${who}${about}, at most ${durationText(expiresMs)}${reason}`;
    if (state === "requested") return `  Waits for approval by ${who}${about}, until ${expiresAt ?? ""}${reason}`;
    return `  ${GATE_ENDS[state]} by ${who}${about}${reason}`;
  });
}

/** What people answered, by their ids: names are not kept. */
function answerLines({ gates }: TicketView): string[] {
  return gates.flatMap(({ rule, answers }) =>
    answers.map(({ decision, by, at, refused }) => {
      const when = at === null ? "" : ` at ${at}`;
      const counts = refused === null ? "" : `; it does not count (${refused})`;
      return `    ${by === "" ? "Somebody" : by} ${decision} it${when}${counts} (rule ${rule}).`;
    }),
  );
}

const GATE_ENDS = {
  granted: "Approved",
  refused: "Rejected",
  expired: "Not approved in time",
} as const;

const STATES: Readonly<Record<SlaState["state"], string>> = {
  running: "runs",
  paused: "stands still",
  met: "was met",
  breached: "is over its target",
  left: "rests, since another rule gives the ticket its clocks now",
};

function clockLines({ sla, escalations }: Decision): string[] {
  const clocks = sla.map(({ clock, targetMs, state, dueAt, memory }) => {
    const due = dueAt === null ? "" : `, due at ${dueAt}`;
    return `  Clock ${clock} ${STATES[state]}: ${durationText(memory.elapsedMs)} of ${durationText(targetMs)}${due}.`;
  });
  const steps = escalations.map(({ clock, step }) => `  Step ${step} of clock ${clock} has come due.`);
  return [...clocks, ...steps];
}

function autonomyLines({ mode }: Decision): string[] {
  return mode === "act" ? [] : [`  The policy lets nothing more happen by itself than: ${mode}.`];
}

/** What AI said, and whether it counted. */
function adviceLines({ advice, suggests, risk }: Decision): string[] {
  const named = namedLines({ risk }).map((line) => `  ${line}`);
  if (!advice) return named.length > 0 ? named : ["  No AI was asked."];
  if (advice.absent !== null) return [`  AI gave no advice: ${ABSENT[advice.absent]}.`, ...named];
  const wanted = Object.entries(suggests).map(([field, value]) => `${field} = ${String(value)}`);
  const rule = advice.rule && `  It would have ${wanted.join(", ")}: ${advice.rule.why} (rule ${advice.rule.id}).`;
  return [
    `  AI advised ${advice.answers.map((answer) => `${answerText(answer)} by ${answer.by}`).join(", ")}.`,
    ...(rule ? [rule] : []),
    `  ${relianceLine(advice)}`,
    ...named,
  ];
}

function ruleLines(traced: readonly TraceLine[]): string[] {
  if (traced.length === 0) return ["Rules: the decision's policy version is not kept here."];
  return [
    "Rules:",
    ...traced.map(
      ({ rule, verdict, reads, message }) =>
        `  ${rule}: ${verdict}${readSuffix(reads)}${message ? ` (${message})` : ""}`,
    ),
  ];
}

function readSuffix(reads: Readonly<Record<string, string>>): string {
  const text = readText(reads);
  return text === "" ? "" : ` [${text}]`;
}

function shown(value: string | number | null): string {
  return value === null || value === "" ? "(empty)" : String(value);
}
