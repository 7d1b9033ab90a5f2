import { z } from "zod";
import { digestOf } from "../canonical.ts";
import { jsonWithinLimits } from "../intake/json-guard.ts";
import { clean } from "./clean.ts";
import { canonicalLabel, isSecurityCategory, type Labels, labelFields, NONE } from "./labels.ts";
import type { JsonSchema } from "./provider.ts";
import type { ClassifyField, Step, Unanswered } from "./step.ts";

/** What one question may be answered with. */
export interface Sets {
  labels: Labels;
  /** Ids of the articles that are offered with this question. */
  articles: readonly string[];
}

/** Labels as their sets spell them; `""` where none fits or none was asked for. */
export type Classification = Record<Exclude<ClassifyField, "security_related" | "urgency_signals">, string> & {
  security_related: boolean;
  /** In the order of the set, each once. */
  urgency_signals: string[];
  rationale: string;
};

export type ChangeAssessment = {
  /** Ids of risk factors, in the order of the set, each once. */
  factors: string[];
  rationale: string;
};

export type Recommendation = {
  /** `""` where no article fits. */
  article: string;
  rationale: string;
};

export type Summary = {
  summary: string;
};

/** What is read out of an answer. Its texts are the model's own words: untrusted, for people's eyes and nothing else. */
export interface Answers {
  classify: Classification;
  assess_change: ChangeAssessment;
  recommend_resolution: Recommendation;
  summarise_for_approver: Summary;
}

/** Why an answer cannot be used. A second try is worth its money for each of them. */
export type ReadFault = Extract<Unanswered, "empty" | "invalid" | "unknown_label">;

export type Read<S extends Step> = { value: Answers[S] } | { fault: ReadFault };

export const RATIONALE_LETTERS_MAX = 300;
export const SUMMARY_LETTERS_MAX = 600;
/** Room for the longest answer there can be: every signal of a full set, and as much rationale. */
const ANSWER_UNITS_MAX = 64_000;

/** The form of one field of an answer. */
type Form =
  | { form: "label" | "labels"; set: readonly string[] }
  | { form: "flag" }
  | { form: "words"; lettersMax: number };
type Fields = Readonly<Record<string, Form>>;

const RATIONALE: Form = { form: "words", lettersMax: RATIONALE_LETTERS_MAX };

/** What a step asks for, in the order in which it is answered: nothing whose set is empty. */
const ASKS: Readonly<Record<Step, (sets: Sets) => Fields>> = {
  classify: ({ labels }) => ({
    ...Object.fromEntries(labelFields(labels).map((field) => [field, { form: "label", set: labels[field] } as const])),
    security_related: { form: "flag" },
    ...(labels.urgency_signals.length > 0 && { urgency_signals: { form: "labels", set: labels.urgency_signals } }),
    rationale: RATIONALE,
  }),
  assess_change: ({ labels }) => ({
    factors: { form: "labels", set: labels.risk_factors.map(({ id }) => id) },
    rationale: RATIONALE,
  }),
  recommend_resolution: ({ articles }) => ({ article: { form: "label", set: articles }, rationale: RATIONALE }),
  summarise_for_approver: () => ({ summary: { form: "words", lettersMax: SUMMARY_LETTERS_MAX } }),
};

/** The keys of an answer to this step, in order. */
export function askedFields(step: Step, sets: Sets): string[] {
  return Object.keys(ASKS[step](sets));
}

/** False where every answer would say the same: a choice among nothing. */
export function canAsk(step: Step, { labels, articles }: Sets): boolean {
  if (step === "assess_change") return labels.risk_factors.length > 0;
  return step !== "recommend_resolution" || articles.length > 0;
}

/** Digest of what may be answered. An answer that was given to another choice is another answer. */
export function setDigest(step: Step, sets: Sets): string {
  const fields = Object.entries(ASKS[step](sets)).map(([name, form]) => ({ name, ...form }));
  const meanings = step === "assess_change" ? sets.labels.risk_factors : [];
  return digestOf({ fields, meanings });
}

/** Most enumerated values and letters in one schema that all providers are known to take. */
const ENUM_VALUES_MAX = 200;
const ENUM_LETTERS_MAX = 7_500;
/** Letters that a dialect refuses in an enumeration, and the one name that an object cannot list. */
const UNLISTED = /["\\]|^__proto__$/;

/**
 * The answer as a JSON Schema in the part of the language that all strict dialects have: every key required, no other
 * key, no limits of length or number. Sets that are too large for a dialect, or hold letters that one refuses, are told
 * in the prompt only; `readAnswer` holds every answer against the sets in any case.
 */
export function answerSchema(step: Step, sets: Sets): JsonSchema {
  const fields = ASKS[step](sets);
  const listed = listedFields(fields);
  const shape = Object.entries(fields).map(([name, form]) => [name, schemaOf(form, listed.has(name))] as const);
  const { $schema: _dialect, ...schema } = z.toJSONSchema(z.strictObject(Object.fromEntries(shape)));
  return schema;
}

/** The fields whose sets stand in the schema: the small ones first, as many as there is room for. */
function listedFields(fields: Fields): Set<string> {
  const sets = Object.entries(fields).flatMap(([name, form]) => ("set" in form ? [{ name, set: form.set }] : []));
  const listed = new Set<string>();
  let values = 0;
  let letters = 0;
  for (const { name, set } of sets.sort((a, b) => a.set.length - b.set.length)) {
    values += set.length + 1;
    letters += set.join("").length;
    if (values > ENUM_VALUES_MAX || letters > ENUM_LETTERS_MAX) break;
    if (set.length > 0 && !set.some((label) => UNLISTED.test(label))) listed.add(name);
  }
  return listed;
}

function schemaOf(form: Form, isListed: boolean): z.ZodType {
  switch (form.form) {
    case "flag":
      return z.boolean();
    case "words":
      return z.string();
    case "label":
      return isListed ? z.enum([...form.set, NONE]) : z.string();
    case "labels":
      return z.array(isListed ? z.enum([...form.set]) : z.string());
  }
}

/** An answer's fields once they are held against their sets. */
type Given = ReadonlyMap<string, string | boolean | readonly string[]>;

/**
 * What a model's text says, or why it says nothing usable. Takes one JSON object with exactly the keys asked for, alone or
 * in one Markdown fence; labels count if the set has them, spaces around and case aside, and never because they are near.
 * Pure; never throws, whatever the text.
 */
export function readAnswer<S extends Step>(step: S, sets: Sets, text: string): Read<S> {
  const bare = withoutFence(text.trim());
  if (bare === "") return { fault: "empty" };
  const fields = ASKS[step](sets);
  const written = parsed(bare, fields);
  if (written === undefined) return { fault: "invalid" };
  const given = heldAgainst(fields, written);
  return given === undefined ? { fault: "unknown_label" } : { value: VALUES[step](given, sets) };
}

function withoutFence(text: string): string {
  const open = /^```(?:[a-z]{1,20}(?=\s))?/i.exec(text)?.[0];
  if (open === undefined || !text.endsWith("```") || text.length < open.length + 3) return text;
  return text.slice(open.length, -3).trim();
}

/** As many members as distinct keys, and those the ones asked for: so no key can stand there twice. */
function parsed(text: string, fields: Fields): Record<string, unknown> | undefined {
  const names = Object.keys(fields);
  if (text.length > ANSWER_UNITS_MAX) return undefined;
  const limits = { jsonDepthMax: ANSWER_DEPTH, jsonKeysMax: names.length };
  if (!jsonWithinLimits(new TextEncoder().encode(text), limits)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined; // not JSON: the caller says so
  }
  const shape = Object.fromEntries(Object.entries(fields).map(([name, { form }]) => [name, WRITTEN[form]]));
  const read = z.strictObject(shape).safeParse(value);
  return read.success && names.every((name) => Object.hasOwn(read.data, name)) ? read.data : undefined;
}

/** An object, and lists in it. */
const ANSWER_DEPTH = 2;

const WRITTEN: Readonly<Record<Form["form"], z.ZodType>> = {
  label: z.string(),
  labels: z.array(z.string()),
  flag: z.boolean(),
  words: z.string(),
};

function heldAgainst(fields: Fields, written: Record<string, unknown>): Given | undefined {
  const given = new Map<string, string | boolean | readonly string[]>();
  for (const [name, form] of Object.entries(fields)) {
    const value = valueIn(form, written[name]);
    if (value === undefined) return undefined;
    given.set(name, value);
  }
  return given;
}

function valueIn(form: Form, written: unknown): string | boolean | readonly string[] | undefined {
  if (form.form === "flag") return written === true;
  if (form.form === "words") return clean(String(written), { codePointsMax: form.lettersMax, oneLine: true }).text;
  if (form.form === "label")
    return canonicalLabel([NONE], String(written)) ? "" : canonicalLabel(form.set, String(written));
  const labels = Array.isArray(written) ? written.map((each) => canonicalLabel(form.set, String(each))) : [];
  return labels.includes(undefined) ? undefined : form.set.filter((label) => labels.includes(label));
}

const VALUES: { readonly [S in Step]: (given: Given, sets: Sets) => Answers[S] } = {
  classify: (given, { labels }) => {
    const category = textOf(given, "category");
    return {
      category,
      service: textOf(given, "service"),
      assignment_group: textOf(given, "assignment_group"),
      intent: textOf(given, "intent"),
      // A category that counts as security counts, whatever else the model says: advice adds care.
      security_related: given.get("security_related") === true || isSecurityCategory(labels, category),
      urgency_signals: listOf(given, "urgency_signals"),
      rationale: textOf(given, "rationale"),
    };
  },
  assess_change: (given) => ({ factors: listOf(given, "factors"), rationale: textOf(given, "rationale") }),
  recommend_resolution: (given) => ({ article: textOf(given, "article"), rationale: textOf(given, "rationale") }),
  summarise_for_approver: (given) => ({ summary: textOf(given, "summary") }),
};

function textOf(given: Given, name: string): string {
  const value = given.get(name);
  return typeof value === "string" ? value : "";
}

function listOf(given: Given, name: string): string[] {
  const value = given.get(name);
  return Array.isArray(value) ? value.map(String) : [];
}
