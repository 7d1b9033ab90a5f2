import { expect } from "chai";
import { z } from "zod";
import { commonSchema } from "../../../connectors/ai/schema.ts";
import { isStrictSchema, refusedWord } from "../../sim/ai-wire.ts";

const Answer = z.strictObject({
  category: z.enum(["hardware", "network"]).describe("one of these"),
  minimum: z.int().min(0).max(1_000_000),
  signals: z
    .array(
      z
        .string()
        .max(40)
        .regex(/^[a-z ]+$/),
    )
    .max(5),
  other: z.union([z.literal("none"), z.strictObject({ format: z.email() })]),
});

describe("the schema that providers are given", () => {
  const schema = commonSchema(z.toJSONSchema(Answer));

  it("keeps what an answer looks like", () => {
    expect(schema).to.deep.equal({
      type: "object",
      properties: {
        category: { type: "string", enum: ["hardware", "network"], description: "one of these" },
        // A property may have the name of a word.
        minimum: { type: "integer" },
        signals: { type: "array", items: { type: "string" } },
        other: {
          anyOf: [
            { type: "string", const: "none" },
            {
              type: "object",
              properties: { format: { type: "string" } },
              required: ["format"],
              additionalProperties: false,
            },
          ],
        },
      },
      required: ["category", "minimum", "signals", "other"],
      additionalProperties: false,
    });
  });

  it("has no word that a provider refuses, and is strict where the original was", () => {
    expect(refusedWord(z.toJSONSchema(Answer))).not.to.equal(undefined);
    expect(refusedWord(schema)).to.equal(undefined);
    expect(isStrictSchema(schema)).to.equal(true);
  });

  it("keeps definitions that are referred to", () => {
    const tree = { $ref: "#/$defs/a", $defs: { a: { type: "string", maxLength: 3 } } };
    expect(commonSchema(tree)).to.deep.equal({ $ref: "#/$defs/a", $defs: { a: { type: "string" } } });
  });

  it("takes one of several for any of them", () => {
    expect(commonSchema({ oneOf: [{ type: "string", minLength: 1 }, true] })).to.deep.equal({
      anyOf: [{ type: "string" }, true],
    });
  });
});
