import { z } from "zod";
import type { YamlFile } from "../config/document.ts";
import type { Compile } from "../expression.ts";
import type { Problem } from "../problem.ts";
import { TICKET_STATUSES } from "../ticket.ts";
import { ALWAYS, type Calendar, CalendarFile } from "./calendar.ts";
import { DurationMs } from "./duration.ts";
import { compileCondition, doubleIds, RULE_HEAD, RULES_MAX, type Rule, RuleId } from "./rule.ts";

const STEPS_MAX = 20;
const CLOCKS = ["response", "resolution"] as const;

/** What a step does. Several may stand in one. */
const StepDo = z
  .strictObject({
    escalate: z
      .strictObject({
        group: z.string().min(1),
        /** It may take the ticket from the group that a person chose. */
        takeOver: z.boolean().default(false),
      })
      .optional(),
    /** One step up, towards 1. */
    raise: z.enum(["urgency", "impact", "priority"]).optional(),
    /** The sentence that is added to the ticket. */
    note: z.string().min(1).max(300).optional(),
    /** People or groups named in that note. */
    mention: z.array(z.string().min(1)).min(1).max(10).optional(),
  })
  .refine(({ escalate, raise, note, mention }) => escalate ?? raise ?? note ?? mention, {
    message: "does nothing",
    params: { fix: "escalate, raise, note or mention" },
  });
export type StepDo = z.infer<typeof StepDo>;

/** `50%` of the target, or a length of time since the start. */
const StepAt = z.string().transform((text, context): { percent: number } | { ms: number } => {
  const percent = /^(\d{1,3})%$/.exec(text)?.[1];
  if (percent !== undefined && Number(percent) >= 1 && Number(percent) <= 500) return { percent: Number(percent) };
  const ms = DurationMs.safeParse(text);
  if (ms.success) return { ms: ms.data };
  context.addIssue({
    code: "custom",
    message: "is not a point on a clock",
    params: { fix: "a share of the target or a length of time, such as 75% or 30m" },
  });
  return z.NEVER;
});

const Clock = z.strictObject({
  within: DurationMs,
  /** A calendar of this file, or `always`. */
  calendar: z.string().default("always"),
  /** Statuses in which the clock has met its end. */
  stops: z.array(z.enum(TICKET_STATUSES)).min(1),
  /** Statuses in which it stands still. */
  pauses: z.array(z.enum(TICKET_STATUSES)).default([]),
  steps: z
    .array(z.strictObject({ id: RuleId, at: StepAt, do: StepDo }))
    .max(STEPS_MAX)
    .default([]),
});

/** `config/policy/sla.yaml`: the first rule that matches gives a ticket its clocks. None matching: it has none. */
export const SlaFile = z.strictObject({
  /** Name → when time counts. */
  calendars: z.record(RuleId, CalendarFile).default({}),
  rules: z
    .array(
      z.strictObject({
        ...RULE_HEAD,
        // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
        then: z.strictObject({
          clocks: z.partialRecord(z.enum(CLOCKS), Clock).refine((clocks) => Object.keys(clocks).length > 0, {
            message: "names no clock",
            params: { fix: "response, resolution or both" },
          }),
        }),
      }),
    )
    .max(RULES_MAX)
    .default([]),
});
export type SlaFile = z.infer<typeof SlaFile>;

export interface SlaStep {
  id: string;
  /** On the clock, in ms. */
  atMs: number;
  does: StepDo;
}

export interface SlaClockRule {
  /** `rule/clock`: what its memory goes by. */
  name: string;
  targetMs: number;
  calendar: Calendar;
  stops: ReadonlySet<string>;
  pauses: ReadonlySet<string>;
  /** Earliest first. */
  steps: readonly SlaStep[];
}

export interface SlaRule extends Rule {
  clocks: readonly SlaClockRule[];
}

export function compileSla(
  yaml: YamlFile,
  file: SlaFile,
  compile: Compile,
  calendars: ReadonlyMap<string, Calendar>,
): SlaRule[] | { problems: Problem[] } {
  const problems = doubleIds(
    yaml,
    file.rules.map(({ id }, index) => ({ id, path: ["rules", index, "id"] })),
  );
  const rules: SlaRule[] = [];
  file.rules.forEach(({ id, why, when, then }, index) => {
    const condition = compileCondition(yaml, ["rules", index, "when"], when, compile);
    if ("problems" in condition) problems.push(...condition.problems);
    else if (condition.asks.includes("advice")) problems.push(adviceProblem(yaml, ["rules", index, "when"]));
    const clocks: SlaClockRule[] = [];
    // In one order, whatever the order in the file: where two clocks escalate, the resolution clock has the last word.
    for (const name of CLOCKS) {
      const clock = then.clocks[name];
      if (!clock) continue;
      const path = ["rules", index, "then", "clocks", name];
      problems.push(
        ...doubleIds(
          yaml,
          clock.steps.map((step, at) => ({ id: step.id, path: [...path, "steps", at, "id"] })),
          "step",
        ),
      );
      const calendar = clock.calendar === "always" ? ALWAYS : calendars.get(clock.calendar);
      if (!calendar) {
        const fix = `Use one of: ${["always", ...calendars.keys()].join(", ")}`;
        problems.push(yaml.problem([...path, "calendar"], `there is no calendar "${clock.calendar}"`, fix));
        continue;
      }
      clocks.push(clockOf(`${id}/${name}`, clock, calendar));
    }
    if (!("problems" in condition)) rules.push({ id, why, condition, clocks });
  });
  return problems.length > 0 ? { problems } : rules;
}

function adviceProblem(yaml: YamlFile, path: readonly (string | number)[]): Problem {
  const what = "reads advice, and a service level is a promise that nothing a model says may change";
  return yaml.problem(path, what, "Read fields of the ticket instead, or gate it in gates.yaml");
}

function clockOf(name: string, clock: z.infer<typeof Clock>, calendar: Calendar): SlaClockRule {
  const steps = clock.steps.map(({ id, at, do: does }) => ({
    id,
    atMs: "ms" in at ? at.ms : Math.ceil((clock.within * at.percent) / 100),
    does,
  }));
  return {
    name,
    targetMs: clock.within,
    calendar,
    stops: new Set(clock.stops),
    pauses: new Set(clock.pauses),
    steps: steps.sort((a, b) => a.atMs - b.atMs || (a.id < b.id ? -1 : 1)),
  };
}
