import { clean } from "../advice/clean.ts";
import { aiText } from "../advice/rationale.ts";
import type { Unanswered } from "../advice/step.ts";
import { type Decision, type Escalation, namedByAi, type Reliance } from "../decision.ts";
import { isGuardField, type SettableField } from "../ticket.ts";
import type { FieldChange } from "./plan.ts";

const NAMES: Readonly<Record<SettableField, string>> = {
  assignmentGroup: "Assignment group",
  assignee: "Assignee",
  category: "Category",
  subcategory: "Subcategory",
  priority: "Priority",
  impact: "Impact",
  urgency: "Urgency",
  changeRisk: "Risk of the change",
  cabRequired: "Board required",
  onHold: "On hold",
};

/** What a model said is a few words of closed sets; more than this is cut. */
const ADVICE_LETTERS_MAX = 400;

/** A note is short: explain tells all. */
const FACTORS_MAX = 5;

const LIMITS: Readonly<Record<NonNullable<Reliance["limit"]>, string>> = {
  no_bound: "how often such an answer is wrong is not measured yet",
  over_target: "such answers are wrong more often than is allowed",
  no_target: "no rule of autonomy.yaml says how often it may be wrong",
  against_the_rules: "the rules by themselves say otherwise",
  lowers_care: "it would make the ticket less urgent",
  audit: "the ticket was drawn for the audit sample",
};

/** Why nobody gave advice, for people. */
export const ABSENT: Readonly<Record<Unanswered, string>> = {
  disabled: "it is switched off",
  person: "this is left to people",
  over_budget: "its budget is spent",
  storm: "so many tickets come in that less urgent ones are not asked about",
  breaker_open: "the model failed too often lately",
  timeout: "the model did not answer in time",
  rate_limited: "the model's provider limits us",
  unavailable: "the model cannot be reached",
  auth: "the model's provider does not take our key",
  rejected: "the model's provider refused the question",
  refused: "the model declined",
  cut: "the model's answer was cut off",
  empty: "the model's answer was empty",
  invalid: "the model's answer could not be read",
  unknown_label: "the model's answer is none of the choices",
  wrong_model: "another model answered than was asked",
  no_model: "there is no trained model",
  unsure: "no model is sure enough",
};

/** The mark by which read-back finds a note again. */
export function markerOf(actionId: string): string {
  return `[il:${actionId}]`;
}

export interface NoteInput {
  kind: "change" | "suggestion";
  decision: Decision;
  changes: readonly FieldChange[];
  /** What advice alone asks for; told, and not written. */
  advised: readonly FieldChange[];
  escalations: readonly Escalation[];
  /** What it tells of approvals, a line each. */
  gates?: readonly string[];
  /** A model's own words, where it was asked just now. */
  words?: string | undefined;
  /** What the ledger held when it was last signed, so that the system of record bears witness of it. */
  witness?: string | undefined;
  marker: string;
}

/**
 * The audit note: short, in a stable form, readable without knowing this product. Names fields, rules and the decision;
 * never repeats ticket text.
 */
export function noteText({
  kind,
  decision,
  changes,
  advised,
  escalations,
  gates = [],
  words,
  witness,
  marker,
}: NoteInput): string {
  const about =
    changes.length > 0 || gates.length === 0 ? "Interlock changed this ticket." : "Interlock, about approvals:";
  const verb = kind === "change" ? about : "Interlock suggests (nothing was changed):";
  const lines = changes.map(changeLine);
  const steps = escalations.map(escalationLine);
  const waits = decision.gates
    .filter(({ state }) => state === "needed" || state === "requested")
    .filter(({ rule }) => !gates.some((line) => line.startsWith("Asked for") && line.endsWith(`(rule ${rule})`)))
    .map(
      ({ why, groups, people, rule }) =>
        `Waits for approval by ${[...groups, ...people].join(", ")}: ${why} (rule ${rule})`,
    );
  const because = decision.because.map(({ rule, why }) => `Because: ${why} (rule ${rule})`);
  return [
    verb,
    ...lines,
    ...gates,
    ...steps,
    ...waits,
    ...because,
    ...(changes.some(({ field }) => isGuardField(field)) ? riskLines(decision) : []),
    ...advised.map((change) => `AI suggests (not written) ${changeLine(change)}`),
    ...adviceLines(decision),
    ...(words === undefined || words === "" ? [] : [aiText(words)]),
    `Decision ${decision.id}${witness === undefined ? "" : ` (${witness})`} ${marker}`,
  ].join("\n");
}

function changeLine({ field, before, after }: FieldChange): string {
  return `${NAMES[field]}: ${shown(before)} -> ${shown(after)}`;
}

/** Where the risk comes from, the heaviest first. */
function riskLines({ risk }: Decision): string[] {
  if (!risk) return [];
  const heaviest = [...risk.factors].sort((a, b) => b.points - a.points);
  const shown = heaviest.slice(0, FACTORS_MAX).map(({ why, points }) => `  ${points}: ${why}`);
  const more = heaviest.length - shown.length;
  return [
    `Risk ${risk.tier.replace("_", " ")}, ${risk.points} points:`,
    ...shown,
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

/** What AI had to do with it: members of closed sets with how sure they are by evidence, never its own words. */
export function adviceLines({ advice, risk }: Pick<Decision, "advice" | "risk">): string[] {
  const named = namedLines({ risk });
  if (!advice) return named.length > 0 ? ["Decided by rules.", ...named] : ["Decided by rules; no AI was used."];
  if (advice.absent !== null) return [`Decided by rules. AI gave no advice: ${ABSENT[advice.absent]}.`, ...named];
  const said = advice.answers.map(answerText).join(", ").slice(0, ADVICE_LETTERS_MAX);
  return [`Decided by rules. AI advised ${said}.`, relianceLine(advice), ...named];
}

/** What a model made of a change's risk. */
export function namedLines({ risk }: Pick<Decision, "risk">): string[] {
  const named = namedByAi({ risk });
  if (named.length === 0) return [];
  const points = named.reduce((sum, factor) => sum + factor.points, 0);
  const factors = named.length === 1 ? "1 risk factor" : `${named.length} risk factors`;
  return [`AI named ${factors} of this change (+${points} points; how reliable: not measured). It can only add.`];
}

/** An answer with the error it has at the most. */
export function answerText({ field, label, boundBp }: Reliance["answers"][number]): string {
  const sure = boundBp === null ? "not measured" : `wrong in at most ${percentText(boundBp)}`;
  return `${field.replaceAll("_", " ")} ${label === "" ? "(none)" : label} (${sure})`;
}

/** Whether advice counted, in a sentence. */
export function relianceLine({ moved, limit, targetBp }: Reliance): string {
  if (!moved) return "It changed nothing about where the ticket goes; it may only add care.";
  const allowed = targetBp === null ? "" : ` (allowed: ${percentText(targetBp)})`;
  return limit === null
    ? `It decided where the ticket goes${allowed}.`
    : `A person decides: ${LIMITS[limit]}${allowed}.`;
}

/** Rounded up: a bound that is shown is never below the one that holds. */
function percentText(bp: number): string {
  return `${(Math.ceil(bp / 10) / 10).toFixed(bp % 100 === 0 ? 0 : 1)} %`;
}

function escalationLine({ clock, step, note, mention = [] }: Escalation): string {
  const to = mention.length > 0 ? ` For: ${mention.join(", ")}.` : "";
  return `${note ?? "A service level needs attention."}${to} (clock ${clock}, step ${step})`;
}

/** The note that goes with a person's value that was put back. */
export function giveBackText(fields: readonly SettableField[], decision: Decision, marker: string): string {
  const names = fields.map((field) => NAMES[field]).join(", ");
  return [
    `Interlock put back what a person had set: ${names}.`,
    "They edited this ticket at the same moment; the field is theirs and Interlock leaves it alone from now on.",
    `Decision ${decision.id} ${marker}`,
  ].join("\n");
}

/** What the note tells that follows whatever was undone. */
export interface TakenBack {
  /** From our value to what stood before. */
  restored: readonly FieldChange[];
  /** Rules whose requests for approval were taken back. */
  withdrawn: readonly string[];
  /** Sentences about what stays. */
  kept: readonly string[];
  /** What the undone actions were done for. */
  rules: readonly string[];
  revocations: readonly { id: string; by: string; reason: string }[];
  decision: string;
  marker: string;
}

const RULES_SHOWN_MAX = 10;

/** The correction: earlier notes are never edited, this one says what of them holds no more. */
export function takeBackText({ restored, withdrawn, kept, rules, revocations, decision, marker }: TakenBack): string {
  const shownRules = rules.slice(0, RULES_SHOWN_MAX).join(", ");
  return [
    "Interlock took back what it did here; earlier notes of it about this hold no more.",
    ...restored.map(changeLine),
    ...withdrawn.map((rule) => `The request for approval is taken back (rule ${rule})`),
    ...kept,
    ...(restored.length > 0 ? ["What went back is left to people; Interlock does not set it again."] : []),
    ...revocations.map(({ id, by, reason }) => {
      const why = clean(reason, { codePointsMax: REASON_LETTERS_MAX, oneLine: true }).text.replace(/[[\]]/g, "");
      return `Revoked by ${by}${why === "" ? "" : `: ${why}`} (revocation ${id})`;
    }),
    ...(shownRules === "" ? [] : [`It was done by rule ${shownRules}`]),
    `Decision ${decision} ${marker}`,
  ].join("\n");
}

const REASON_LETTERS_MAX = 200;

/** A field as people know it. */
export function fieldName(field: SettableField): string {
  return NAMES[field];
}

function shown(value: string | number): string {
  return value === "" ? "(empty)" : String(value);
}
