/** A JSON Schema (draft 2020-12) that an answer must meet; providers hand it to the model. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** One question to a model. No tools, no history, one ticket. */
export interface ModelRequest {
  /** Ours, word for word; never holds ticket text. */
  system: string;
  /** Holds the ticket's text, cleaned, redacted, and between delimiters that it cannot know. */
  prompt: string;
  /** Name of the schema, as some providers demand one: letters, digits and underscores. */
  schemaName: string;
  schema: JsonSchema;
  /** Most tokens of the answer; the worst case of its cost is reckoned with it. */
  outputTokensMax: number;
  /** Ends the call. */
  signal: AbortSignal;
}

/** What came back, before anything of it is trusted. */
export interface ModelAnswer {
  /** As the model wrote it: JSON, if all is well. */
  text: string;
  /** The model that says it answered. */
  model: string;
  /** complete: it ended by itself. cut: a limit ended it. refused: it declined, or a filter did. other: anything else. */
  stop: "complete" | "cut" | "refused" | "other";
  usage: TokenUsage;
}

export interface TokenUsage {
  inputTokens: number;
  outputTokens: number;
}

/** What went wrong with a provider, decided once at its edge. Retry policy and the chain read this, never a message. */
export const PROVIDER_FAULT_KINDS = ["auth", "rejected", "rate_limited", "unavailable", "timeout", "protocol"] as const;
export type ProviderFaultKind = (typeof PROVIDER_FAULT_KINDS)[number];

export interface ProviderFault {
  kind: ProviderFaultKind;
  provider: string;
  /** What happened and what to do next, without prompt, answer or key. */
  message: string;
  status?: number;
  /** The provider's own word on when to come back. */
  retryAfterMs?: number;
  /** False where it is certain that nothing is charged: the request never arrived, or was refused at the door. */
  mayBeCharged: boolean;
  cause?: unknown;
}

/** The one error that leaves a provider. */
export class ProviderError extends Error {
  readonly kind: ProviderFaultKind;
  readonly provider: string;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly mayBeCharged: boolean;

  constructor(fault: ProviderFault) {
    super(fault.message, fault.cause === undefined ? undefined : { cause: fault.cause });
    this.name = "ProviderError";
    this.kind = fault.kind;
    this.provider = fault.provider;
    this.status = fault.status;
    this.retryAfterMs = fault.retryAfterMs;
    this.mayBeCharged = fault.mayBeCharged;
  }
}

/** One model of one provider. Makes one call for one question: trying again, budgets and breakers are the gateway's. */
export interface ModelProvider {
  /** As it is called under `ai.providers`. */
  readonly name: string;
  /** As it is asked for. */
  readonly model: string;
  /** Rejects with a ProviderError, never with anything else. */
  ask(request: ModelRequest): Promise<ModelAnswer>;
  close(): Promise<void>;
}
