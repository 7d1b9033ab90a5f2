import { type Prompt, type PromptInput, promptFor } from "../../../core/advice/prompt.ts";
import { PromptFields } from "../../../core/advice/prompt-fields.ts";
import type { Step } from "../../../core/advice/step.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { ticketWith } from "../support/tickets.ts";
import { SETS } from "./answers.ts";

export const NONCE = "0123456789abcdef";

/** A prompt about a ticket with the settings that come with the product. */
export function prompted(step: Step, patch: Partial<Ticket> = {}, input: Partial<PromptInput> = {}): Prompt {
  return promptFor({
    step,
    ticket: ticketWith(patch),
    fields: PromptFields.parse({})[step],
    labels: SETS.labels,
    nonce: NONCE,
    ...input,
  });
}

/** What stands between the two lines with the code; fails where they are not exactly two, in order, and alone on theirs. */
export function dataOf({ prompt }: Prompt, nonce = NONCE): Record<string, unknown> {
  const lines = prompt.split("\n");
  const fences = lines.flatMap((line, at) => (line.includes("<<<") || line.includes(">>>") ? [at] : []));
  const [start = -1, end = -1] = fences;
  const said = prompt.toLowerCase().split(nonce).length - 1;
  if (
    fences.length !== 2 ||
    lines[start] !== `<<<TICKET ${nonce}>>>` ||
    lines[end] !== `<<<END ${nonce}>>>` ||
    said !== 3
  )
    throw new Error(`the delimiters are not intact: ${fences.length} lines, ${said} codes`);
  return JSON.parse(lines.slice(start + 1, end).join("\n"));
}
