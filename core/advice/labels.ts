import { z } from "zod";
import { nearest } from "../nearest.ts";
import { LABEL_FIELDS, type LabelField } from "./step.ts";

/** What a model answers where no label fits. No set may hold it. */
export const NONE = "(none)";

const LABEL_LETTERS_MAX = 100;
const SET_ENTRIES_MAX = 500;
const FACTORS_MAX = 50;
const MEANS_LETTERS_MAX = 200;

/** One line of plain text. What a model reads as structure, or nobody sees, could make two labels look the same. */
function line(lettersMax: number) {
  return z.string().superRefine((value, context) => {
    const problem = lineProblem(value, lettersMax);
    if (problem) context.addIssue({ code: "custom", message: problem.what, params: { fix: problem.fix } });
  });
}

function lineProblem(value: string, lettersMax: number): { what: string; fix: string } | undefined {
  if (value.trim() === "") return { what: "is empty", fix: "a text, or leave the entry out" };
  if ([...value].length > lettersMax) return { what: "is too long", fix: `at most ${lettersMax} characters` };
  if (/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029\p{Default_Ignorable_Code_Point}]/u.test(value))
    return { what: "holds characters that nobody sees", fix: "the text in one line of visible characters" };
  if (value !== value.trim()) return { what: "begins or ends with a space", fix: `"${value.trim()}"` };
  return undefined;
}

const Label = line(LABEL_LETTERS_MAX).refine((value) => folded(value) !== NONE, {
  message: "is what a model answers where no label fits",
  params: { fix: "another name" },
});

const LabelSet = z
  .array(Label)
  .max(SET_ENTRIES_MAX)
  .superRefine((set, context) => noneTwice(set, context))
  .default([]);

const RiskFactor = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9_-]{0,63}$/, "lower-case letters, digits, _ and -, at most 64"),
  /** What a model must find in a change to name this factor. */
  means: line(MEANS_LETTERS_MAX),
});

/**
 * The closed sets from which every answer of a model is taken. A set that is absent or empty is not asked for. Answers
 * are compared regardless of case, so no two labels of a set may differ by case alone.
 */
export const Labels = z
  .strictObject({
    category: LabelSet,
    service: LabelSet,
    assignment_group: LabelSet,
    intent: LabelSet,
    /** What makes a ticket urgent whatever its priority says, such as "outage" or "deadline today". */
    urgency_signals: LabelSet,
    /** The categories that count as security where nothing but the category is known. */
    security_categories: LabelSet,
    risk_factors: z
      .array(RiskFactor)
      .max(FACTORS_MAX)
      .superRefine((factors, context) =>
        noneTwice(
          factors.map(({ id }) => id),
          context,
          "id",
        ),
      )
      .default([]),
  })
  .superRefine(({ category, security_categories }, context) => {
    for (const [at, label] of security_categories.entries()) {
      if (canonicalLabel(category, label) !== undefined) continue;
      const message = `"${label}" is not among the categories`;
      const meant = nearest(label, category);
      const fix = `${meant === undefined ? "one of category" : `"${meant}"`}, or add it to category`;
      context.addIssue({ code: "custom", path: ["security_categories", at], message, params: { fix } });
    }
  });
export type Labels = z.infer<typeof Labels>;

export const NO_LABELS: Labels = Labels.parse({});

function noneTwice(texts: readonly string[], context: z.RefinementCtx, key?: string): void {
  const seen = new Map<string, number>();
  for (const [at, text] of texts.entries()) {
    const first = seen.get(folded(text));
    seen.set(folded(text), first ?? at);
    if (first === undefined) continue;
    const message = `"${text}" stands here twice`;
    const params = { fix: `another one, or remove it: entry ${first + 1} is the same` };
    context.addIssue({ code: "custom", path: key === undefined ? [at] : [at, key], message, params });
  }
}

function folded(label: string): string {
  return label.normalize("NFC").trim().toLowerCase();
}

/** The label as the set spells it, whatever its case and the spaces around it; undefined where the set has no such label. */
export function canonicalLabel(set: readonly string[], written: string): string | undefined {
  const wanted = folded(written);
  return set.find((label) => folded(label) === wanted);
}

/** The fields of a classification that have a set, in a fixed order. */
export function labelFields(labels: Labels): LabelField[] {
  return LABEL_FIELDS.filter((field) => labels[field].length > 0);
}

/** Whether a category alone says that a ticket is about security. */
export function isSecurityCategory(labels: Labels, category: string): boolean {
  return category !== "" && canonicalLabel(labels.security_categories, category) !== undefined;
}
