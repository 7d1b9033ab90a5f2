import { z } from "zod";
import { CLASSIFY_FIELDS, UNANSWERED } from "./advice/step.ts";
import { MODES } from "./config/settings.ts";
import { CHANGE_RISKS, Instant, SETTABLE_FIELDS } from "./ticket.ts";

const FieldValueSchema = z.union([z.string(), z.int()]);

/**
 * Every rule's verdict, compactly: the policy version says which rules there are and what each may read. One letter per
 * rule in the policy's order: m matched, n did not match, s was not asked, e errored.
 */
export const Trace = z.strictObject({
  verdicts: z.string().regex(/^[mnse]*$/),
  /** Path → value for closed fields; text is named without its value. */
  reads: z.record(z.string(), z.string()),
  /** Rule (`file/id`) → why it errored or was not asked, where that is not plain. */
  messages: z.record(z.string(), z.string()),
});
export type Trace = z.infer<typeof Trace>;

/** What can be guarded. */
export const EFFECTS = ["assign", "set", "resolve", "close", "schedule", "implement", "fulfil", "rollback"] as const;
export type Effect = (typeof EFFECTS)[number];

/** Why a ticket waits for a person. With `before`, only these effects wait; without, everything does. */
export const Hold = z.strictObject({
  rule: z.string(),
  reason: z.string(),
  before: z.array(z.enum(EFFECTS)).optional(),
});
export type Hold = z.infer<typeof Hold>;

/**
 * How many must agree. any: one of those who are asked. all: everybody who may answer. one-of-each: every person who is
 * named, and of each group a member of its own. `60%`: so many of those who may answer. A number: so many different people.
 */
export const Need = z.union([
  z.enum(["any", "all", "one-of-each"]),
  z.int().min(1).max(20),
  z.string().regex(/^([1-9][0-9]?|100)%$/),
]);
export type Need = z.infer<typeof Need>;

/**
 * needed: nobody was asked yet. requested: an answer is waited for. granted: what waits may happen, as long as what was
 * approved stays as it was. refused, expired: it may not, until a bound field changes and people are asked anew. void: a
 * bound field changed, or the rule does not ask any more; what was answered counts for nothing.
 */
export const GATE_STATES = ["needed", "requested", "granted", "refused", "expired", "void"] as const;
export type GateState = (typeof GATE_STATES)[number];

/** What is done about somebody who takes a side door to what a gate guards: people are told, or it is undone as well. */
export const SIDE_DOORS = ["tell", "undo"] as const;

/** Who must approve what before it happens. */
export const Gate = z.strictObject({
  rule: z.string(),
  why: z.string(),
  groups: z.array(z.string()),
  people: z.array(z.string()),
  need: Need,
  before: z.array(z.enum(EFFECTS)),
  /** Fields that the approval is bound to, and the digest of their values. */
  binds: z.array(z.string()),
  bindsDigest: z.string(),
  expiresMs: z.int().positive(),
  /** Who is asked when an approver is gone. */
  fallbackGroup: z.string().nullable(),
  sideDoor: z.enum(SIDE_DOORS).default("tell"),
  /** How far it has come; `void` is never said of a gate that asks. */
  state: z.enum(GATE_STATES).exclude(["void"]).default("needed"),
  /** When the answer must be there; null where nobody waits for one. */
  expiresAt: Instant.nullable().default(null),
  /** Digests of what stands in bound fields that this decision is to change itself, by field. */
  present: z.record(z.string(), z.string()).default({}),
  /** Guarded effects that stand already, whoever brought them about. */
  stands: z.array(z.enum(EFFECTS)).default([]),
  /** Of those, the ones that came about past the approval. */
  passed: z.array(z.enum(EFFECTS)).default([]),
  /** What it is asked for: counts and names of checks. Of rollbacks only. */
  evidence: z.string().exactOptional(),
});
export type Gate = z.infer<typeof Gate>;

/** One clock of a ticket as the last look at it left it. */
export const ClockMemory = z.strictObject({
  /** Counted by the clock's own calendar, without pauses. */
  elapsedMs: z.int().nonnegative(),
  /** The hour of that look, in ms since 1970. */
  atMs: z.int(),
  running: z.boolean(),
  /** Steps that have been taken: a step is taken once. */
  taken: z.array(z.string()),
  /** Of those, the ones that were passed over because a later one had come due with them: they ask for nothing. */
  passed: z.array(z.string()).default([]),
  /** What the ticket had at the first look: a raise counts from there, so that it is never done twice. */
  from: z.strictObject({ priority: z.int(), impact: z.int(), urgency: z.int() }),
});
export type ClockMemory = z.infer<typeof ClockMemory>;

/** A clock of a ticket as a decision read it. */
export const SlaState = z.strictObject({
  /** `rule/clock`. */
  clock: z.string(),
  targetMs: z.int().positive(),
  /** left: another rule's clocks run for the ticket now; what this one remembers is kept. */
  state: z.enum(["running", "paused", "met", "breached", "left"]),
  /** When the target is reached if nothing pauses it; null while it is paused, met, breached or left. */
  dueAt: Instant.nullable(),
  /** What the next look goes on from. */
  memory: ClockMemory,
});
export type SlaState = z.infer<typeof SlaState>;

/** A step of a clock whose time has come. */
export const Escalation = z.strictObject({
  rule: z.string(),
  clock: z.string(),
  step: z.string(),
  group: z.string().optional(),
  takeOver: z.boolean().optional(),
  raise: z.enum(["urgency", "impact", "priority"]).optional(),
  note: z.string().optional(),
  mention: z.array(z.string()).optional(),
});
export type Escalation = z.infer<typeof Escalation>;

/** A value that a decision asks for and that is not written, and why. */
export const Skip = z.strictObject({
  field: z.enum(SETTABLE_FIELDS),
  reason: z.enum(["owned_by_person", "not_writable", "already_so", "waits_for_approval", "advice_gone"]),
});
export type Skip = z.infer<typeof Skip>;
export type SkipReason = Skip["reason"];

/** Why what advice asks for is only suggested. */
export const RELIANCE_LIMITS = [
  /** No answer of its kind has been measured, or too few. */
  "no_bound",
  /** It may err more often than the policy allows. */
  "over_target",
  /** The policy names no error that would be allowed. */
  "no_target",
  /** A rule that the ticket meets by itself says otherwise. */
  "against_the_rules",
  /** It would make the ticket less urgent. */
  "lowers_care",
  /** Drawn for the sample that keeps watch over what goes by itself. */
  "audit",
] as const;

/** What advice had to do with a decision. */
export const Reliance = z.strictObject({
  /** Why there is no advice; null where there is. */
  absent: z.enum(UNANSWERED).nullable(),
  /** Every field that was answered, with the error it has at the most, in hundredths of a percent. */
  answers: z.array(
    z.strictObject({
      field: z.enum(CLASSIFY_FIELDS),
      label: z.string(),
      by: z.string(),
      boundBp: z.int().nonnegative().nullable(),
    }),
  ),
  /** Routing comes out otherwise than it would without. */
  moved: z.boolean(),
  /** Fields that this hangs on, where it does. */
  relied: z.array(z.enum(CLASSIFY_FIELDS)),
  /** The rules by themselves leave open where the ticket goes: their default was taken. */
  open: z.boolean(),
  /** Why it is only suggested; null where it counts, or changes nothing. */
  limit: z.enum(RELIANCE_LIMITS).nullable(),
  /** The error that the policy allows. */
  targetBp: z.int().nonnegative().nullable(),
  /** The rule that it would have led to, where that is only suggested. */
  rule: z.strictObject({ id: z.string(), why: z.string() }).nullable(),
});
export type Reliance = z.infer<typeof Reliance>;

/** How the id of a risk factor begins that a model named. */
export const AI_FACTOR = "advice/";

/** How risky a change is. Every factor stands in it with what it saw, in closed values; what was not known counts too. */
export const Risk = z.strictObject({
  points: z.int().nonnegative(),
  tier: z.enum(CHANGE_RISKS).exclude([""]),
  /** model: a trained model stood in for the factors of the file. */
  by: z.enum(["rules", "model"]),
  factors: z.array(
    z.strictObject({
      /** A rule of change-risk.yaml, `ignorance/<what>`, `advice/<what a model named>`, or a feature of the model. */
      id: z.string(),
      why: z.string(),
      /** What it read, or `not known`. */
      value: z.string(),
      /** Below 0 only where a model says that something speaks for the change. */
      points: z.int(),
    }),
  ),
});
export type Risk = z.infer<typeof Risk>;

/** Risk factors of a decision that a model named. */
export function namedByAi({ risk }: { risk: Risk | null }): Risk["factors"] {
  return risk?.factors.filter(({ id }) => id.startsWith(AI_FACTOR)) ?? [];
}

/** Whether a change that was implemented goes back. */
export const Rollback = z.strictObject({
  /** As its gate is named, `rollback/<id>`. */
  rule: z.string(),
  /** go: its group is to carry out the backout plan. asked: an answer is waited for. no: it stays. */
  state: z.enum(["go", "asked", "no"]),
  /** Counts and names of checks, in a sentence. */
  evidence: z.string(),
  /** It goes without anybody having been asked. */
  automatic: z.boolean(),
  /** Who carries out the backout plan; empty where the change names no group. */
  group: z.string(),
});
export type Rollback = z.infer<typeof Rollback>;

/** What the rules say should be true of a ticket, and why. Holds no ticket text; two equal decisions have equal bytes. */
export const Decision = z.strictObject({
  /** First 16 hexadecimal characters of the digest of the rest. */
  id: z.string(),
  /** Determining rules with the sentence an approver reads. */
  because: z.array(z.strictObject({ rule: z.string(), why: z.string() })),
  /** Desired values; a field that is not named is left alone. */
  set: z.partialRecord(z.enum(SETTABLE_FIELDS), FieldValueSchema),
  /** What advice alone asks for and what a person is only told of. */
  suggests: z.partialRecord(z.enum(SETTABLE_FIELDS), FieldValueSchema).default({}),
  /** Null where no rule asked for any, as in decisions of before there was advice. */
  advice: Reliance.nullable().default(null),
  /** Of `set`, the ones that may be taken from a person. */
  takeOver: z.array(z.enum(SETTABLE_FIELDS)),
  gates: z.array(Gate),
  holds: z.array(Hold),
  sla: z.array(SlaState),
  escalations: z.array(Escalation),
  /** The next hour at which the rules say something else by themselves; null when only news can change it. */
  wakeAt: Instant.nullable(),
  /** The most that may happen without a person. */
  mode: z.enum(MODES),
  /** Null for what is no change, or is over, and where there is no change-risk.yaml. */
  risk: Risk.nullable().default(null),
  /** Null where nothing speaks for it. */
  rollback: Rollback.nullable().default(null),
  trace: Trace,
  /** Digest of ticket, facts, policy version and hour. */
  inputsDigest: z.string(),
  policyVersion: z.string(),
});
export type Decision = z.infer<typeof Decision>;

/** What the ledger and the database keep of an action: fields before and after, never text. */
export const Action = z.strictObject({
  id: z.string(),
  /** ask: people are asked to approve. cancel: that is taken back. undo: a side door is closed again. */
  kind: z.enum(["set", "note", "ask", "cancel", "undo"]),
  /** A settable field, `note`, or `gate` for all about approvals. */
  field: z.enum([...SETTABLE_FIELDS, "note", "gate"]),
  before: FieldValueSchema.nullable(),
  after: FieldValueSchema.nullable(),
  because: z.array(z.string()),
  decisionId: z.string(),
  /** What read-back looks for. */
  marker: z.string(),
});
export type Action = z.infer<typeof Action>;
