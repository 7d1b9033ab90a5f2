import { z } from "zod";
import { Labels } from "../advice/labels.ts";
import { Amount } from "../advice/money.ts";
import { PhoneCountry } from "../advice/numbers.ts";
import { PromptFields } from "../advice/prompt-fields.ts";
import { STEPS } from "../advice/step.ts";
import { ProviderSettings } from "./ai-settings.ts";

const positive = z.int().positive();

/** In a chain: the classifier of this installation, and the end of every chain. */
export const LOCAL = "local";
export const PERSON = "person";

const ProviderName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, "lower-case letters, digits and dashes, at most 32")
  .refine((name) => name !== LOCAL && name !== PERSON, {
    message: "is a word of the chains themselves",
    params: { fix: "another name, such as the vendor's" },
  });

const CHAIN_MAX = 10;

/** Who is asked, in turn: `local`, names of providers, and `person`, who ends it. */
const Chain = z.array(z.string().min(1)).min(1).max(CHAIN_MAX);

const Share = (shares: string, within: (bp: number) => boolean) =>
  z.string({ error: shares }).transform((text, context): number => {
    const percent = /^(\d{1,2}(?:\.\d{1,2})?)%$/.exec(text)?.[1];
    const bp = percent === undefined ? Number.NaN : Math.round(Number(percent) * 100);
    if (within(bp)) return bp;
    context.addIssue({ code: "custom", message: "is not such a share", params: { fix: shares } });
    return z.NEVER;
  });

const Caps = z.strictObject({ hour: Amount.optional(), day: Amount.optional() });

const StepSettings = z.strictObject({ chain: Chain, outputTokensMax: positive.max(8_000).default(600) });

/** `ai:` in interlock.yaml: who may be asked for advice, about what, and for how much. Without it AI is off. */
export const AiSettings = z
  .strictObject({
    enabled: z.boolean().default(true),
    /** Of all amounts here; three letters that are shown, and nothing more. */
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, "three letters such as EUR")
      .default("USD"),
    providers: z.record(ProviderName, ProviderSettings).default({}),
    /** The classifier that `interlock train` wrote, and what `interlock calibrate` found out about it. */
    local: z.strictObject({ model: z.string().min(1), calibration: z.string().min(1).optional() }).optional(),
    /** What was measured of other models: provider → file of `interlock calibrate`. */
    calibrations: z.record(z.string(), z.string().min(1)).default({}),
    labels: Labels.prefault({}),
    /** Which fields of a ticket each step may show to a model. */
    shows: PromptFields.prefault({}),
    /** Of phone numbers without a country code, so that they are found and taken out. */
    phoneCountry: PhoneCountry.optional(),
    steps: z
      .strictObject({
        classify: StepSettings.extend({
          /** An answer that is certified to be wrong no more often than this needs nobody further down the chain. */
          settles: Share("a share such as 5% or 0.5%", (bp) => bp > 0).prefault("5%"),
        }).optional(),
        assess_change: StepSettings.optional(),
        recommend_resolution: StepSettings.optional(),
        summarise_for_approver: StepSettings.optional(),
      })
      .prefault({}),
    budgets: Caps.extend({
      steps: z.partialRecord(z.enum(STEPS), Caps).default({}),
      connections: z.record(z.string(), Caps).default({}),
      /** By the assignment group of a ticket. */
      teams: z.record(z.string(), Caps).default({}),
    }).prefault({}),
    storm: z
      .strictObject({ questionsPerMinute: positive.default(60), keepPriority: z.int().min(0).max(5).default(2) })
      .prefault({}),
    /** Questions that are put to one provider at the same time; more wait. */
    callsAtOnceMax: positive.max(100).default(8),
    /** Of what could go by itself, so much is given to a person all the same, to keep watch. */
    audit: Share("a share from 2% to 5%", (bp) => bp >= 200 && bp <= 500).prefault("3%"),
    breaker: z.strictObject({ failuresMax: positive.default(5), restMs: positive.default(60_000) }).prefault({}),
  })
  .superRefine((ai, context) => {
    const problem = (path: (string | number)[], message: string, fix: string): void =>
      context.addIssue({ code: "custom", path, message, params: { fix } });
    for (const step of STEPS) chainProblems(step, ai, problem);
    for (const [name, { prices }] of Object.entries(ai.providers)) {
      if (!prices && isAsked(ai, name))
        problem(["providers", name], "says no prices, so its budget cannot be kept", FREE);
      const paid = prices && prices.inputPerMillion + prices.outputPerMillion > 0;
      if (paid && isAsked(ai, name) && ai.budgets.day === undefined)
        problem(
          ["budgets"],
          `names no day, and ${name} costs money`,
          "budgets: { day: 10.00 }, the most that a day may cost",
        );
    }
    for (const name of Object.keys(ai.calibrations))
      if (!ai.providers[name])
        problem(["calibrations", name], "is no provider", `one of: ${Object.keys(ai.providers).join(", ")}`);
  });
export type AiSettings = z.infer<typeof AiSettings>;

const FREE =
  "prices: { inputPerMillion: 1.00, outputPerMillion: 5.00 }, as its provider lists them; 0 for a model that costs nothing";

type Complain = (path: (string | number)[], message: string, fix: string) => void;

function chainProblems(
  step: (typeof STEPS)[number],
  { steps, providers, local }: Pick<AiSettings, "steps" | "providers" | "local">,
  problem: Complain,
): void {
  const chain = steps[step]?.chain ?? [];
  chain.forEach((name, at) => {
    const path = ["steps", step, "chain", at];
    if (name === LOCAL && step !== "classify") problem(path, "classifies only", "a provider, or person");
    else if (name === LOCAL && !local)
      problem(path, "has no model", "local: { model: ./data/models/classify.model }, and interlock train");
    else if (name !== LOCAL && name !== PERSON && !providers[name])
      problem(path, `"${name}" is no provider`, `one of: ${[LOCAL, ...Object.keys(providers), PERSON].join(", ")}`);
    if (chain.indexOf(name) !== at) problem(path, `"${name}" stands twice in the chain`, "each once");
    if (name === PERSON && at < chain.length - 1)
      problem(path, "ends the chain, and more stands behind it", "person last");
  });
}

function isAsked({ steps }: Pick<AiSettings, "steps">, name: string): boolean {
  return STEPS.some((step) => steps[step]?.chain.includes(name));
}
