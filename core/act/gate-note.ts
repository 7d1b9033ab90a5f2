import { SUMMARY_LETTERS_MAX } from "../advice/answer.ts";
import { clean } from "../advice/clean.ts";
import { aiText } from "../advice/rationale.ts";
import { instant } from "../clock.ts";
import { AI_FACTOR, type Decision, type Gate, type Need } from "../decision.ts";
import type { AnswerRefusal, JudgedAnswer } from "../gates/answer.ts";
import { effectOf, SETTABLE_FIELDS, type Ticket } from "../ticket.ts";
import type { AskWho, GateEvent, PlannedAsk } from "./gate-plan.ts";

const REFUSED: Readonly<Record<AnswerRefusal, string>> = {
  not_asked: "they were not asked",
  requester: "nobody approves their own request",
  own_account: "the integration account only asks, it never answers",
  inactive: "their account is switched off",
  early: "it was given before this was asked",
  late: "it came after the time was up",
  nobody: "the system does not say who gave it, or when",
};

const TITLE_LETTERS_MAX = 160;
const PLAN_LETTERS_MAX = 2_000;

/** What a note tells of approvals, a line each. `names`: ids of people → names. */
export function gateLines(
  events: readonly GateEvent[],
  { asks, decision, names }: { asks: readonly PlannedAsk[]; decision: Decision; names: ReadonlyMap<string, string> },
): string[] {
  return [
    ...events.map((event) => rollbackLine(event, decision, names) ?? eventLine(event, whyOf(event, decision), names)),
    ...asks.map(({ gate, who }) => {
      const instead = who.fallback ? " (asked in place of approvers who are gone)" : "";
      return `Asked for approval by ${whoText(who)}${instead}, before ${gate.before.join(", ")}: ${gate.why} (rule ${gate.rule})`;
    }),
  ];
}

function whyOf({ rule }: GateEvent, { gates }: Decision): Gate | undefined {
  return gates.find((gate) => gate.rule === rule);
}

/** Tells whoever carries it out that a change goes back; undefined where the event says no such thing. */
function rollbackLine(
  { kind, rule, by = [] }: GateEvent,
  { gates, rollback }: Decision,
  names: ReadonlyMap<string, string>,
): string | undefined {
  const gate = gates.find((each) => each.rule === rule);
  const goes = kind === "automatic" || (kind === "granted" && gate?.before.includes("rollback"));
  if (!goes) return undefined;
  const people = by.map((id) => names.get(id) ?? id).join(", ");
  const why = gate?.why ?? rollback?.evidence ?? "";
  const said = kind === "automatic" ? "the rule lets standard changes go back without asking" : `approved by ${people}`;
  const group = rollback?.group ? rollback.group : "whoever made the change";
  return `Roll back now: ${why}; ${said}. For: ${group}. Carry out the backout plan of this change; Interlock does not do it (rule ${rule})`;
}

function eventLine(event: GateEvent, gate: Gate | undefined, names: ReadonlyMap<string, string>): string {
  const { kind, rule, answer, what, by: deciders = [] } = event;
  const people = deciders.map((id) => names.get(id) ?? id).join(", ");
  const about = `(rule ${rule})`;
  const by = answer ? nameOf(answer, names) : "";
  switch (kind) {
    case "answer_refused":
      return `The ${answer?.decision === "rejected" ? "rejection" : "approval"} by ${by} does not count: ${answer?.refused ? REFUSED[answer.refused] : ""} ${about}`;
    case "granted":
      return `Approved by ${people}: ${gate?.why ?? rule} ${about}`;
    case "refused":
      return `Rejected by ${people}, so ${gate?.before.join(", ") ?? "what waits"} does not happen: ${gate?.why ?? rule} ${about}`;
    case "expired":
      return `Nobody who may answer did so in time: ${gate?.why ?? rule} ${about}. It is asked again when what was asked for changes, or when an operator redrives the ticket`;
    case "void":
      return gate
        ? `What was asked for has changed, so the approval is void ${about}`
        : `No approval is needed any more ${about}`;
    case "gone":
      return `Too few of those who were asked can still answer ${about}`;
    case "reopened":
      return `Put back to where it can be answered ${about}`;
    case "side_door":
      return `Past the approval: ${what ?? ""} ${about}`;
    default:
      return `Asked ${about}`;
  }
}

/** Who gave an answer, for a note that stays with the vendor. */
export function nameOf({ by }: Pick<JudgedAnswer, "by">, names: ReadonlyMap<string, string>): string {
  return by === "" ? "somebody" : (names.get(by) ?? by);
}

/** Who is asked, and how many of them must agree. */
export function whoText({ groups, people, need }: Exclude<AskWho, { nobody: string }>): string {
  const who = [...groups, ...people];
  return `${needText(need)}${who.join(need === "all" || need === "one-of-each" ? " and " : " or ")}`;
}

function needText(need: Need): string {
  if (need === "any") return "";
  if (need === "all") return "everybody of ";
  if (need === "one-of-each") return "one each of ";
  return typeof need === "number" ? `${need} of ` : `${need} of `;
}

const WAITS: Readonly<Record<Gate["before"][number], string>> = {
  assign: "the ticket is assigned",
  set: "its fields are set",
  resolve: "it may be resolved",
  close: "it may be closed",
  schedule: "the change may be scheduled",
  implement: "the change may begin",
  fulfil: "the request is fulfilled",
  rollback: "the change's group is told to carry out the backout plan now",
};

/**
 * What an approver reads in their own queue: what is asked and why, what makes it risky, what AI had to do with it, what
 * a yes and a no bring about, and until when. It goes to the vendor only, since it shows the ticket's title, and a model's
 * own summary where there is one.
 */
export function requestText(
  gate: Gate,
  {
    ticket,
    decision,
    advice,
    summary = "",
    nowMs,
  }: { ticket: Ticket; decision: Decision; advice: readonly string[]; summary?: string | undefined; nowMs: number },
): string {
  const words = aiText(summary, SUMMARY_LETTERS_MAX);
  const title = clean(ticket.title, { codePointsMax: TITLE_LETTERS_MAX, oneLine: true }).text.replace(/[[\]]/g, "");
  const goesBack = gate.before.includes("rollback");
  const will = goesBack ? [] : guardedBy(gate, decision);
  const until = minuteText(instant(nowMs + gate.expiresMs));
  return [
    `Interlock asks for your approval: ${ticket.ref.key} ${title}`,
    `Why: ${gate.why} (rule ${gate.rule})`,
    ...factLines(ticket),
    ...(goesBack ? planLines(ticket) : []),
    ...riskLines(decision),
    ...advice,
    ...(words === "" ? [] : [words]),
    `If you approve: ${gate.before.map((effect) => WAITS[effect]).join(", ")}${will.length > 0 ? ` (${will.join(", ")})` : ""}.`,
    "If you reject: that does not happen, and the ticket says so.",
    `Until ${until}. It counts for what the ticket says now: if ${gate.binds.join(", ")} changes, you are asked again.`,
    `Decision ${decision.id}`,
  ].join("\n");
}

/** What is written once it is approved, and not before. */
function guardedBy({ before }: Gate, { set }: Decision): string[] {
  return SETTABLE_FIELDS.flatMap((field) => {
    const effect = effectOf(field);
    const waits = effect !== undefined && before.includes(effect) && set[field] !== undefined;
    return waits ? [`${field} = ${String(set[field])}`] : [];
  });
}

/** An instant as people read it: to the minute. */
function minuteText(at: string): string {
  return `${at.slice(0, 16).replace("T", " ")} UTC`;
}

function factLines({ kind, priority, ci, service, change, request }: Ticket): string[] {
  const facts = [
    `priority ${priority}`,
    ...(ci === "" ? [] : [`item ${ci}`]),
    ...(service === "" ? [] : [`service ${service}`]),
    ...(kind === "change" && change.plannedStart
      ? [
          `planned ${minuteText(change.plannedStart)} to ${change.plannedEnd ? minuteText(change.plannedEnd) : "(open)"}`,
        ]
      : []),
    ...(kind === "change" ? [change.backoutPlan === "" ? "no backout plan" : "with a backout plan"] : []),
    ...(kind === "request" && request.item !== ""
      ? [`${request.quantity} x ${request.item}, price ${request.price}`]
      : []),
  ];
  return [`What: ${kind}, ${facts.join(", ")}`];
}

/** What is done if it goes back, in the words of whoever planned it. */
function planLines({ change }: Ticket): string[] {
  const { text } = clean(change.backoutPlan, { codePointsMax: PLAN_LETTERS_MAX, oneLine: false });
  const plan = text.replace(/[[\]]/g, "").trim();
  return plan === "" ? ["Backout plan: none is written down"] : ["Backout plan, as it stands in the change:", plan];
}

/** The heaviest factors, with what each of them saw; behind them those that a model named, so that none hides the others. */
function riskLines({ risk }: Decision): string[] {
  if (!risk) return [];
  const heaviest = [...risk.factors].sort((a, b) => b.points - a.points);
  const own = heaviest.filter(({ id }) => !id.startsWith(AI_FACTOR)).slice(0, FACTORS_MAX);
  const named = heaviest.filter(({ id }) => id.startsWith(AI_FACTOR)).slice(0, FACTORS_MAX);
  return [
    `Risk: ${risk.tier.replace("_", " ")}, ${risk.points} points${risk.by === "model" ? ", by what was learnt from closed changes" : ""}`,
    ...[...own, ...named].map(
      ({ why, value, points }) => `  ${points < 0 ? "" : "+"}${points} ${why}${value === "" ? "" : ` (${value})`}`,
    ),
  ];
}

const FACTORS_MAX = 8;
