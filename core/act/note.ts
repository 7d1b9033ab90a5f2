import type { Decision, Escalation } from "../decision.ts";
import { NOT_ASKED } from "../policy/declarations.ts";
import type { SettableField } from "../ticket.ts";
import type { FieldChange } from "./plan.ts";

const NAMES: Readonly<Record<SettableField, string>> = {
  assignmentGroup: "Assignment group",
  assignee: "Assignee",
  category: "Category",
  subcategory: "Subcategory",
  priority: "Priority",
  impact: "Impact",
  urgency: "Urgency",
};

/** What a model said is a few words of closed sets; more than this is cut. */
const ADVICE_LETTERS_MAX = 400;

/** The mark by which read-back finds a note again. */
export function markerOf(actionId: string): string {
  return `[il:${actionId}]`;
}

export interface NoteInput {
  kind: "change" | "suggestion";
  decision: Decision;
  changes: readonly FieldChange[];
  escalations: readonly Escalation[];
  marker: string;
}

/**
 * The audit note: short, in a stable form, readable without knowing this product. Names fields, rules and the decision;
 * never repeats ticket text.
 */
export function noteText({ kind, decision, changes, escalations, marker }: NoteInput): string {
  const verb = kind === "change" ? "Interlock changed this ticket." : "Interlock suggests (nothing was changed):";
  const lines = changes.map(({ field, before, after }) => `${NAMES[field]}: ${shown(before)} -> ${shown(after)}`);
  const steps = escalations.map(escalationLine);
  const waits = decision.gates.map(
    ({ why, groups, people, rule }) =>
      `Waits for approval by ${[...groups, ...people].join(", ")}: ${why} (rule ${rule})`,
  );
  const because = decision.because.map(({ rule, why }) => `Because: ${why} (rule ${rule})`);
  return [
    verb,
    ...lines,
    ...steps,
    ...waits,
    ...because,
    adviceLine(decision),
    `Decision ${decision.id} ${marker}`,
  ].join("\n");
}

/** What a model said, as far as some rule reads it: values of closed sets, never its own words. */
function adviceLine({ trace }: Decision): string {
  const said = Object.entries(trace.reads).filter(
    ([path, value]) => (path === "advice" || path.startsWith("advice.")) && value !== NOT_ASKED,
  );
  if (said.length === 0) return "Decided by rules; no AI was used.";
  const values = said
    .filter(([path]) => path !== "advice")
    .map(([path, value]) => `${path.slice("advice.".length)} ${value === "" ? "(none)" : value}`);
  const all = values.length > 0 ? `: ${values.join(", ").slice(0, ADVICE_LETTERS_MAX)}` : "";
  return `Decided by rules. AI advised${all}; it may only add care.`;
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

function shown(value: string | number): string {
  return value === "" ? "(empty)" : String(value);
}
