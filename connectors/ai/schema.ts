import type { JsonSchema } from "../../core/advice/provider.ts";

/** The words that all providers take in a schema for an answer. Bounds, patterns and formats are refused by some. */
const TAKEN = new Set(["type", "description", "enum", "const", "required", "additionalProperties", "$ref"]);
const OF_SCHEMAS = new Set(["properties", "$defs"]);

/**
 * A schema in the words that every provider takes. It may allow more than the original, which the answer is held against
 * in any case: a provider's schema steers, it does not check.
 */
export function commonSchema(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(
    Object.entries(schema).flatMap(([key, value]): [string, unknown][] => {
      if (TAKEN.has(key)) return [[key, value]];
      if (OF_SCHEMAS.has(key) && isSchema(value)) return [[key, each(value)]];
      if (key === "items" && isSchema(value)) return [[key, commonSchema(value)]];
      if ((key === "anyOf" || key === "oneOf") && Array.isArray(value))
        return [["anyOf", value.map((one: unknown) => (isSchema(one) ? commonSchema(one) : one))]];
      return [];
    }),
  );
}

function each(schemas: JsonSchema): JsonSchema {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [name, isSchema(schema) ? commonSchema(schema) : schema]),
  );
}

function isSchema(value: unknown): value is JsonSchema {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
