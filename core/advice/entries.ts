import type { Draft } from "../ledger/entry.ts";
import type { AdviceFact, AssessmentFact } from "../policy/facts.ts";
import { type Ticket, ticketId } from "../ticket.ts";
import type { ModelProvider } from "./provider.ts";
import { CLASSIFY_FIELDS, type Step, type Unanswered } from "./step.ts";

/** A question as the ledger names it. */
interface Asked {
  step: Step;
  content: string;
  promptVersion: string;
}

/** Who was asked, and what came of it. */
export interface TriedModel {
  provider: string;
  model: string;
  outcome: "used" | Unanswered;
}

/** Room for a label in an entry of the ledger. */
const LABEL_LETTERS_MAX = 400;

/** What the ledger holds of a call, in one commit with its cost. Who decides by the answer tells of that apart. */
export function callEntry(
  ticket: string,
  { step, content, promptVersion }: Asked,
  called: { provider: Pick<ModelProvider, "name">; model?: string; outcome: "used" | Unanswered; costMicros: number },
): Draft {
  const { provider, model = "", outcome, costMicros: cost } = called;
  const tried = [{ provider: provider.name, model, outcome }];
  return {
    kind: "advice",
    ticket,
    body: { step, question: content, tried, labels: {}, promptVersion, costMicros: cost },
  };
}

/** What the ledger holds of advice, with the decision that was made by it: who was asked in turn, and what counts. */
export function adviceEntry(
  { ref }: Ticket,
  step: Step,
  question: Omit<Asked, "step"> | undefined,
  { tried, labels }: { tried: readonly TriedModel[]; labels: EntryLabels },
): Draft {
  return {
    kind: "advice",
    ticket: ticketId(ref),
    body: {
      step,
      question: question?.content ?? "",
      tried: tried.map(({ provider, model, outcome }) => ({ provider, model, outcome })),
      labels,
      promptVersion: question?.promptVersion ?? "",
      // Each call stands in an entry of its own, with what it cost.
      costMicros: 0,
    },
  };
}

/** Field → what was answered, by whom, and the error it has at the most. */
export type EntryLabels = Record<string, { label: string; by: string; boundBp: number | null }>;

/** The labels of a classification. */
export function classifiedLabels(fact: AdviceFact | null): EntryLabels {
  if (!fact) return {};
  return Object.fromEntries(
    CLASSIFY_FIELDS.flatMap((field) => {
      const evidence = fact.evidence[field];
      // Signals are many: the ledger holds as many as it has room for.
      return evidence ? [[field, { label: String(fact[field]).slice(0, LABEL_LETTERS_MAX), ...evidence }]] : [];
    }),
  );
}

/** The risk factors of a change, which nothing certifies. */
export function assessedLabels(fact: AssessmentFact | null): EntryLabels {
  if (!fact) return {};
  const label = fact.factors.join(", ").slice(0, LABEL_LETTERS_MAX);
  return { risk_factors: { label, by: fact.by, boundBp: null } };
}
