import { z } from "zod";
import { CLASSIFY_FIELDS } from "../advice/step.ts";
import { instant } from "../clock.ts";
import { MODES } from "../config/settings.ts";
import { Rollback } from "../decision.ts";
import { CHANGE_RISKS, ChangeFacet, Person, RequestFacet, SETTABLE_FIELDS, Ticket } from "../ticket.ts";
import { AftermathFact, QUIET_AFTERMATH } from "./aftermath.ts";
import { AdviceFact, Facts } from "./facts.ts";
import { ImpactFact, QUIET_IMPACT } from "./impact.ts";

const TESTS_MAX = 2_000;

/** An hour with its zone; ours are written in UTC with milliseconds. */
const Hour = z.iso
  .datetime({ offset: true, error: "an hour with its zone, such as 2026-03-02T09:00:00Z" })
  .transform((text) => instant(Date.parse(text)));

const TestTicket = Ticket.omit({ ref: true, revision: true })
  .partial()
  .extend({
    connection: z.string().min(1).optional(),
    key: z.string().min(1).optional(),
    assignee: Person.partial().optional(),
    requester: Person.partial().optional(),
    createdAt: Hour.optional(),
    updatedAt: Hour.optional(),
    change: ChangeFacet.partial()
      .extend({ plannedStart: Hour.optional(), plannedEnd: Hour.optional(), actualEnd: Hour.optional() })
      .optional(),
    request: RequestFacet.partial().optional(),
  });

const Percent = z.string().regex(/^\d{1,2}(\.\d{1,2})?%$/, "a share such as 3% or 0.5%");

/** What a model answered, as a test says it: what is named is answered, and certified to be wrong no more often than `error`. */
const TestAdvice = z
  .strictObject({
    category: z.string(),
    service: z.string(),
    assignment_group: z.string(),
    intent: z.string(),
    security_related: z.boolean(),
    urgency_signals: z.array(z.string()),
    /** How often such answers are wrong at the most; never, where it is not said. `unknown`: nobody has measured it. */
    error: z.union([Percent, z.literal("unknown")]),
    audited: z.boolean(),
  })
  .partial()
  .transform(({ error = "0%", ...given }) => {
    const boundBp = error === "unknown" ? null : Math.round(Number(error.slice(0, -1)) * 100);
    const answered = CLASSIFY_FIELDS.filter((field) => given[field] !== undefined);
    return AdviceFact.parse({
      ...given,
      evidence: Object.fromEntries(answered.map((field) => [field, { by: "test", boundBp }])),
    });
  });

/** What is known of a change's item, as a test says it: what is not said is quiet, and known. */
const TestImpact = ImpactFact.partial().transform((given) => ImpactFact.parse({ ...QUIET_IMPACT, ...given }));

/** What happened since a change was implemented, as a test says it: what is not said did not happen. */
const TestAftermath = AftermathFact.partial().transform((given) =>
  AftermathFact.parse({ since: instant(0), ...QUIET_AFTERMATH, ...given }),
);

const Ids = z.array(z.string().min(1)).max(TESTS_MAX);

/** What is not named is not compared; a list that is named is the whole list. */
export const Expectation = z
  .strictObject({
    /** The routing rule that decides; null where none does, since the ticket is held. */
    rule: z.string().nullable().optional(),
    /** Fields that are set, and to what: all of them. */
    set: z.partialRecord(z.enum(SETTABLE_FIELDS), z.union([z.string(), z.int()])).optional(),
    /** Fields that advice alone asks for and that a person is only told of: all of them. */
    suggests: z.partialRecord(z.enum(SETTABLE_FIELDS), z.union([z.string(), z.int()])).optional(),
    /** Gates and overrides of freezes that are asked for. */
    gates: Ids.optional(),
    /** Rules that hold the ticket. */
    holds: Ids.optional(),
    /** Steps of clocks that are taken. */
    escalations: Ids.optional(),
    /** When the rules say something else by themselves; null where only news can change it. */
    wakeAt: Hour.nullable().optional(),
    mode: z.enum(MODES).optional(),
    /** How risky a change is: its tier, its points, or both; null where it has no risk, being no change or over. */
    risk: z
      .strictObject({
        tier: z.enum(CHANGE_RISKS).exclude([""]).optional(),
        points: z.int().nonnegative().optional(),
      })
      .refine(({ tier, points }) => tier !== undefined || points !== undefined, {
        message: "expects nothing, so it could not fail",
        params: { fix: "tier, points or both" },
      })
      .nullable()
      .optional(),
    /** Whether a change goes back, and by which rule; null where nothing speaks for it. */
    rollback: z
      .strictObject({ rule: z.string().min(1), state: Rollback.shape.state })
      .nullable()
      .optional(),
    /** Rules of any file that must match, as `id` or `file/id`. */
    because: Ids.optional(),
    /** Rules of any file that must not match. */
    becauseNot: Ids.optional(),
  })
  .refine((expected) => Object.keys(expected).length > 0, {
    message: "expects nothing, so it could not fail",
    params: {
      fix: "rule, set, suggests, gates, holds, escalations, wakeAt, mode, risk, rollback, because or becauseNot",
    },
  });
export type Expectation = z.infer<typeof Expectation>;

export const PolicyTest = z.strictObject({
  /** The sentence that a failing test is known by. */
  name: z.string().min(1).max(200),
  /** What is not said is empty, of the lowest priority, and new. */
  ticket: TestTicket,
  /** What is known beside the ticket. A fact that the rules ask for and that is not given has no answer. */
  facts: Facts.extend({
    advice: TestAdvice.nullable().optional(),
    impact: TestImpact.nullable().optional(),
    aftermath: TestAftermath.nullable().optional(),
  }).optional(),
  /** The hour of the decision; without it, when the ticket was updated or created, or noon of 15 January 2026 in UTC. */
  now: Hour.optional(),
  expect: Expectation,
});
export type PolicyTest = z.infer<typeof PolicyTest>;

/** A ticket that somebody writes down to see what is decided for it. */
export const Trial = PolicyTest.pick({ ticket: true, facts: true, now: true });
export type Trial = z.infer<typeof Trial>;

/** `config/policy/<file>.test.yaml`: what must be decided for a ticket. */
export const PolicyTests = z.array(PolicyTest).min(1).max(TESTS_MAX);
export type PolicyTests = z.infer<typeof PolicyTests>;
