import { z } from "zod";
import type { Draft } from "../ledger/entry.ts";
import { Instant } from "../ticket.ts";
import type { SpendLine } from "./budget.ts";
import { LABEL_FIELDS, STEPS, UNANSWERED } from "./step.ts";

/** What is kept of an answer: members of closed sets, by whom, and what it cost. Never words of a model or a ticket. */
export const StoredAnswer = z.strictObject({
  /** Of what was asked, with which words, under which schema, and whom: the same question is never paid for twice. */
  digest: z.string(),
  step: z.enum(STEPS),
  /** Name of the provider in the configuration. */
  provider: z.string(),
  /** The model as it answered; empty where none did. */
  model: z.string(),
  promptVersion: z.string(),
  /** The answer, or why this question has none for good: the same words would be declined again. */
  outcome: z.union([
    z.strictObject({ value: z.record(z.string(), z.union([z.string(), z.boolean(), z.array(z.string())])) }),
    z.strictObject({ fault: z.enum(UNANSWERED) }),
  ]),
  costMicros: z.int().nonnegative(),
});
export type StoredAnswer = z.infer<typeof StoredAnswer>;

/** A label that advice gave a ticket, waiting for what people make of it. */
export const Advised = z.strictObject({
  field: z.enum(LABEL_FIELDS),
  label: z.string().max(400),
  /** Provider and model, with the digest of its file where it has one: another model is judged anew. */
  by: z.string().max(400),
  /** It moved the ticket without a person. */
  automatic: z.boolean(),
  /** Drawn for the audit sample: a person decided though it could have gone by itself. */
  audited: z.boolean(),
  /** The error that was allowed, in hundredths of a percent; null where no target holds. */
  targetBp: z.int().nonnegative().nullable(),
});
export type Advised = z.infer<typeof Advised>;

/** What a label turned out to be, once people had closed the ticket. */
export const AdviceOutcome = Advised.extend({ final: z.string().max(400), correct: z.boolean() });
export type AdviceOutcome = z.infer<typeof AdviceOutcome>;

/** An outcome as far as a calibration counts it. */
export type MeasuredOutcome = Pick<AdviceOutcome, "by" | "field" | "label" | "correct">;

/** What a demotion is about: one label of one field, as one model gives it. */
export const AdvisedClass = Advised.pick({ by: true, field: true, label: true });
export type AdvisedClass = z.infer<typeof AdvisedClass>;

/** Answers of a class that are not relied on any more, since outcomes refuted their bound. */
export const Demotion = AdvisedClass.extend({
  since: Instant,
  tickets: z.int().positive(),
  errors: z.int().nonnegative(),
  targetBp: z.int().nonnegative(),
});
export type Demotion = z.infer<typeof Demotion>;

/** What became of a call that was booked. */
export interface SpentCall {
  reservedMicros: number;
  spentMicros: number;
  /** Absent where nothing was spent and nothing is to be told. */
  entry?: Draft;
}

/** What was booked on an account in a span of time. */
export interface Spent {
  scope: string;
  span: string;
  micros: number;
  calls: number;
}

export type Reservation = { reserved: true } | { reserved: false; scope: string; span: string };

/** What advice needs to remember beyond a process. Part of the store. */
export interface AdviceMemory {
  /**
   * Books the worst case of a call on all lines, or on none where one of them would pass its cap. Durable when it answers;
   * what a crash leaves booked stays booked.
   */
  reserve(lines: readonly SpendLine[], micros: number): Promise<Reservation>;
  /** Gives back what a call did not use, and counts the call, with the ledger entry that tells of it. */
  settleSpend(lines: readonly SpendLine[], spent: SpentCall): Promise<void>;
  /** All that is booked in these spans, by scope. */
  spent(spans: readonly string[]): Promise<Spent[]>;
  answer(digest: string): Promise<StoredAnswer | undefined>;
  /** Keeps the first answer to a question. Answers the one that is kept. */
  keepAnswer(answer: StoredAnswer): Promise<StoredAnswer>;
  /** The latest outcomes of a class that was certified since an hour, at most `limit`, and how many of them were wrong. */
  tally(which: AdvisedClass, limit: number, sinceMs?: number): Promise<{ tickets: number; errors: number }>;
  /** The latest outcomes of all models of a provider, at most `limit`: what its answers are measured by. */
  outcomesOf(provider: string, limit: number): Promise<MeasuredOutcome[]>;
  /** Records it with its ledger entry; false where the class is demoted already. */
  demote(demotion: Demotion): Promise<boolean>;
  demotions(): Promise<Demotion[]>;
  /** Forgets answers and spending from before `beforeMs`; at most `limit` of each. Answers how many. */
  forgetAdvice(beforeMs: number, limit: number): Promise<number>;
}
