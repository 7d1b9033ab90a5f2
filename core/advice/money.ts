import { z } from "zod";
import type { TokenUsage } from "./provider.ts";

/** Money is whole millionths of the configured currency, so that sums are exact: 2.50 is 2,500,000. */
export const MICROS = 1_000_000;

export const MICROS_PER_CENT = 10_000;

const AMOUNT = "an amount such as 2.50, with at most six decimals";

/** An amount as an admin writes it, as a number or in quotes; whole micros for us. */
export const Amount = z.union([z.number(), z.string()], { error: AMOUNT }).transform((given, context): number => {
  const [, whole, part = ""] = /^(\d{1,9})(?:\.(\d{1,6}))?$/.exec(String(given)) ?? [];
  if (whole !== undefined) return Number(whole) * MICROS + Number(part.padEnd(6, "0"));
  context.addIssue({ code: "custom", message: "is not an amount of money", params: { fix: AMOUNT } });
  return z.NEVER;
});

/** What a model costs: micros of the currency for a million tokens. */
export interface Prices {
  inputPerMillion: number;
  outputPerMillion: number;
}

/** What a call costs, rounded up to a micro. */
export function costMicros({ inputTokens, outputTokens }: TokenUsage, prices: Prices): number {
  return Math.ceil((inputTokens * prices.inputPerMillion + outputTokens * prices.outputPerMillion) / MICROS);
}

/** What a provider adds around the words of a question: roles, the schema's frame, its own instructions. */
const FRAME_TOKENS = 1_000;

/**
 * The most that a call can cost: models take text byte by byte at the worst, so there are never more tokens than bytes,
 * and no answer is longer than its limit.
 */
export function worstCaseMicros(inputBytes: number, outputTokensMax: number, prices: Prices): number {
  return costMicros({ inputTokens: inputBytes + FRAME_TOKENS, outputTokens: outputTokensMax }, prices);
}

/** An amount for people: two decimals, or as many as it takes to show that it is not nothing. */
export function amountText(micros: number): string {
  const cents = (micros / MICROS).toFixed(2);
  return micros > 0 && cents === "0.00" ? (micros / MICROS).toFixed(6) : cents;
}
