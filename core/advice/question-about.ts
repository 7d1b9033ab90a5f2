import { digestOf } from "../canonical.ts";
import type { Ticket } from "../ticket.ts";
import { type Answers, readAnswer } from "./answer.ts";
import type { Labels } from "./labels.ts";
import type { PhoneCountry } from "./numbers.ts";
import { type PromptInput, promptFor, repairFor } from "./prompt.ts";
import type { PromptField } from "./prompt-fields.ts";
import type { Question } from "./question.ts";
import type { Step } from "./step.ts";

export interface AskedOf<S extends Step> {
  step: S;
  ticket: Ticket;
  fields: readonly PromptField[];
  labels: Labels;
  outputTokensMax: number;
  phoneCountry?: PhoneCountry | undefined;
  articles?: PromptInput["articles"];
  /** Hexadecimal characters that nobody can guess; asked for anew for every try. */
  nonce(): string;
}

/** Turns a ticket into a question. What leaves the machine is made when it is asked, and forgotten with it. */
export function questionAbout<S extends Step>(asked: AskedOf<S>): Question<Answers[S]> {
  const { step, ticket, fields, labels, outputTokensMax, phoneCountry, articles = [], nonce } = asked;
  const input = { step, ticket, fields, labels, articles, phoneCountry };
  const first = promptFor({ ...input, nonce: nonce() });
  return {
    step,
    promptVersion: first.promptVersion,
    content: digestOf({ content: first.contentDigest, sets: first.setDigest }),
    schemaName: first.schemaName,
    schema: first.schema,
    outputTokensMax,
    isBlank: first.isBlank,
    keeps: step !== "summarise_for_approver",
    words(mend) {
      const made = promptFor({ ...input, nonce: nonce() });
      // What it knows besides, such as what was taken out, is for nobody outside.
      const { system, prompt } = mend ? repairFor(made, mend) : made;
      return { system, prompt };
    },
    read: (text) => readAnswer(step, first.sets, text),
  };
}
