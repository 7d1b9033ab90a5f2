import type { ReadFault } from "./answer.ts";
import type { JsonSchema, ModelRequest } from "./provider.ts";
import type { Step } from "./step.ts";

/** A fault of an answer that the model may mend when it is told. */
export type Mendable = ReadFault;

/** A question about one ticket, ready to be put to any model, and the only way in which an answer is read. */
export interface Question<V> {
  step: Step;
  promptVersion: string;
  /** Digest of all that a model would see of the ticket and of the sets to choose from; two that are equal need one answer. */
  content: string;
  schemaName: string;
  schema: JsonSchema;
  outputTokensMax: number;
  /** Nothing of the ticket that may be shown says anything: there is nothing to ask about. */
  isBlank: boolean;
  /** Whether an answer is kept: what holds words about the ticket is not. */
  keeps: boolean;
  /** The words, between delimiters that are drawn anew each time; with a fault, the words that ask once more. */
  words(mend?: Mendable): Pick<ModelRequest, "system" | "prompt">;
  /** A member of the closed answer, or what is wrong with it. Never throws. */
  read(text: string): { value: V } | { fault: Mendable };
}
