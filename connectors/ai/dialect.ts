import type { ModelAnswer, ModelRequest } from "../../core/advice/provider.ts";

/** What came back, as far as the provider said it; what it left out is made up for in one place. */
export interface Reply {
  text: string;
  /** undefined where the provider names no model. */
  model: string | undefined;
  stop: ModelAnswer["stop"];
  usage: { inputTokens: number | undefined; outputTokens: number | undefined };
}

/**
 * How one vendor's SDK is asked a question. It makes one HTTP call, by the fetch that it is handed, which only ever gives
 * complete JSON with status 200; it may throw anything.
 */
export type Dialect = (request: ModelRequest, fetch: typeof globalThis.fetch) => Promise<Reply>;

/** More than any model takes or gives at once. */
const TOKENS_MAX = 10_000_000;

/** A count of tokens as a provider wrote it; undefined where it cannot be one. */
export function counted(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= TOKENS_MAX ? Number(value) : undefined;
}
