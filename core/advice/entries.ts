import type { Draft } from "../ledger/entry.ts";
import type { AdviceFact } from "../policy/facts.ts";
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
  question: Asked | undefined,
  { tried, fact }: { tried: readonly TriedModel[]; fact: AdviceFact | null },
): Draft {
  return {
    kind: "advice",
    ticket: ticketId(ref),
    body: {
      step: question?.step ?? "classify",
      question: question?.content ?? "",
      tried: tried.map(({ provider, model, outcome }) => ({ provider, model, outcome })),
      labels: labelsOf(fact),
      promptVersion: question?.promptVersion ?? "",
      // Each call stands in an entry of its own, with what it cost.
      costMicros: 0,
    },
  };
}

function labelsOf(fact: AdviceFact | null): Record<string, { label: string; by: string; boundBp: number | null }> {
  if (!fact) return {};
  return Object.fromEntries(
    CLASSIFY_FIELDS.flatMap((field) => {
      const evidence = fact.evidence[field];
      // Signals are many: the ledger holds as many as it has room for.
      return evidence ? [[field, { label: String(fact[field]).slice(0, LABEL_LETTERS_MAX), ...evidence }]] : [];
    }),
  );
}
