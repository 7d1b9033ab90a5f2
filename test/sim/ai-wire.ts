/** What the simulated model providers have in common: a question, a scripted answer, and a wire that carries both. */
import type { ModelAnswer, TokenUsage } from "../../core/advice/provider.ts";

/** A question as it reached a provider, taken out of its wire. */
export interface AiQuestion {
  model: string;
  system: string;
  prompt: string;
  /** The schema that the answer is held to; undefined where none came along. */
  schema: Readonly<Record<string, unknown>> | undefined;
  outputTokensMax: number | undefined;
  temperature: number | undefined;
}

export interface AiRequest {
  path: string;
  headers: Readonly<Record<string, string>>;
  /** The body as it came, parsed. */
  body: unknown;
  /** undefined where the wire could make nothing of it. */
  question: AiQuestion | undefined;
}

/** What a simulated model answers. */
export interface AiAnswer {
  text: string;
  /** As which model; the one that was asked unless told, none at all when null. */
  model: string | null;
  /** Why it ended, or the vendor's own word for it. */
  stop: ModelAnswer["stop"] | { raw: string };
  /** Tokens used; said in none of its words when null. */
  usage: TokenUsage | null;
}

/** How one vendor's API looks from outside. */
export interface AiWire {
  /** Whether the request bears the vendor's form of the key that the simulator knows. */
  isLoggedIn(headers: AiRequest["headers"], key: string): boolean;
  /** The question in a request, or what the vendor would refuse it for. `null` where no question is asked at this path. */
  read(path: string, body: unknown): AiQuestion | { refused: string } | null;
  answer(question: AiQuestion, answer: AiAnswer): unknown;
  /** What the vendor says with such a status. It repeats the question's words, as some do. */
  errorBody(status: number, words: string): unknown;
}

/** The first problem of a parse, as a vendor's refusal. */
export function refusalOf(error: { issues: readonly { path: PropertyKey[]; message: string }[] }): { refused: string } {
  const [issue] = error.issues;
  return { refused: issue ? `${issue.path.map(String).join(".")}: ${issue.message}` : "invalid" };
}

export function stopWord(words: Readonly<Record<ModelAnswer["stop"], string>>, stop: AiAnswer["stop"]): string {
  return typeof stop === "string" ? words[stop] : stop.raw;
}

/** Whether strict structured output would take a schema: every object closed, with all of its properties required. */
export function isStrictSchema(schema: unknown): boolean {
  if (schema === null || typeof schema !== "object") return true;
  if (Array.isArray(schema)) return schema.every(isStrictSchema);
  const { type, properties, required, additionalProperties } = schema as Record<string, unknown>; // an object
  const names = properties !== null && typeof properties === "object" ? Object.keys(properties) : [];
  const asked = Array.isArray(required) ? required : [];
  if (type === "object" && (additionalProperties !== false || !names.every((name) => asked.includes(name))))
    return false;
  return Object.values(schema).every(isStrictSchema);
}

/** Words of JSON Schema that structured output refuses at one provider or another. */
export const REFUSED_WORDS = [
  "$schema",
  "default",
  "examples",
  "exclusiveMaximum",
  "exclusiveMinimum",
  "format",
  "maxItems",
  "maxLength",
  "maximum",
  "minItems",
  "minLength",
  "minimum",
  "multipleOf",
  "oneOf",
  "pattern",
  "title",
  "uniqueItems",
];

/** The first word in a schema that a provider refuses. Names of properties are no words. */
export function refusedWord(schema: unknown): string | undefined {
  if (schema === null || typeof schema !== "object") return undefined;
  if (Array.isArray(schema)) return schema.map(refusedWord).find((word) => word !== undefined);
  for (const [key, value] of Object.entries(schema)) {
    if (REFUSED_WORDS.includes(key)) return key;
    const inner = key === "properties" && value !== null ? Object.values(value as object) : value; // a mapping of schemas
    const word = key === "enum" || key === "const" ? undefined : refusedWord(inner);
    if (word !== undefined) return word;
  }
  return undefined;
}
