import { Agent } from "undici";
import type { ModelAnswer, ModelProvider, ModelRequest } from "../../core/advice/provider.ts";
import type { Clock } from "../../core/clock.ts";
import type { ProviderSettings } from "../../core/config/ai-settings.ts";
import { publicLookup, type Resolve } from "../address.ts";
import type { Dialect, Reply } from "./dialect.ts";
import { openExchange } from "./exchange.ts";

/** Of an answer's body: some thousand times what a classification takes. */
const ANSWER_BYTES_MAX = 1_048_576;
const CONNECT_MS_MAX = 5_000;

export interface ProviderDeps {
  clock: Clock;
  /** How names are looked up; node's own unless a test says otherwise. */
  resolve?: Resolve;
}

/** A model behind one port: guarded, bounded in time and size, asked once, every failure a ProviderError. */
export function providerOf(
  name: string,
  settings: ProviderSettings,
  { dialect, clock, resolve }: ProviderDeps & { dialect: Dialect },
): ModelProvider {
  const { model, timeout: timeoutMs, allowPrivateAddress } = settings;
  const dispatcher = new Agent({
    connect: {
      timeout: Math.min(CONNECT_MS_MAX, timeoutMs),
      ...(!allowPrivateAddress && { lookup: publicLookup(resolve) }),
    },
    // undici's own start again with every byte; `timeout` is for the call in all.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: ANSWER_BYTES_MAX,
  });

  return {
    name,
    model,
    async ask(request) {
      const [done, late] = [new AbortController(), new AbortController()];
      void clock.sleep(timeoutMs, done.signal).then(() => late.abort());
      const signal = AbortSignal.any([request.signal, late.signal]);
      const exchange = openExchange({
        provider: name,
        dispatcher,
        allowPrivateAddress,
        signal,
        now: () => clock.now(),
      });
      try {
        return answerOf(await dialect(request, exchange.fetch), request);
      } catch (thrown) {
        throw exchange.faultOf(thrown);
      } finally {
        done.abort();
      }
    },
    // Cuts off what is under way: nobody waits for it any more.
    close: () => dispatcher.destroy(),
  };
}

function answerOf(reply: Reply, request: ModelRequest): ModelAnswer {
  const most = mostTokens(request);
  return {
    text: reply.text,
    model: reply.model ?? "",
    stop: reply.stop,
    usage: {
      inputTokens: reply.usage.inputTokens ?? most.inputTokens,
      outputTokens: reply.usage.outputTokens ?? most.outputTokens,
    },
  };
}

/** What providers add around a question: roles, the schema's frame, instructions of their own. */
const FRAME_TOKENS = 1_000;

/**
 * What a call can have used at most, for a provider that does not say: models take text byte by byte at the worst, so
 * there are never more tokens than bytes, and no answer is longer than its limit.
 */
function mostTokens({ system, prompt, schema, outputTokensMax }: ModelRequest) {
  const inputBytes = Buffer.byteLength(system) + Buffer.byteLength(prompt) + Buffer.byteLength(JSON.stringify(schema));
  return { inputTokens: inputBytes + FRAME_TOKENS, outputTokens: outputTokensMax };
}
