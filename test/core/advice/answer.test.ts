import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "chai";
import {
  answerSchema,
  askedFields,
  canAsk,
  RATIONALE_LETTERS_MAX,
  readAnswer,
  SUMMARY_LETTERS_MAX,
  setDigest,
} from "../../../core/advice/answer.ts";
import { Labels, NO_LABELS } from "../../../core/advice/labels.ts";
import { STEPS } from "../../../core/advice/step.ts";
import { CLASSIFIED, SETS } from "./answers.ts";

const NOTHING = { labels: NO_LABELS, articles: [] };

function classified(patch: object): string {
  return JSON.stringify({ ...CLASSIFIED, ...patch });
}

function read(text: string) {
  return readAnswer("classify", SETS, text);
}

describe("An answer that can be used", () => {
  it("to classify", () => {
    expect(read(classified({}))).to.deep.equal({ value: { ...CLASSIFIED, assignment_group: "" } });
  });

  it("to assess_change", () => {
    const text = '{"factors":["peak_hours","NO_BACKOUT","peak_hours"],"rationale":"Monday at nine."}';
    expect(readAnswer("assess_change", SETS, text)).to.deep.equal({
      value: { factors: ["no_backout", "peak_hours"], rationale: "Monday at nine." },
    });
  });

  it("to recommend_resolution", () => {
    for (const [article, wanted] of [
      ["kb0002", "KB0002"],
      ["(none)", ""],
    ])
      expect(readAnswer("recommend_resolution", SETS, JSON.stringify({ article, rationale: "" }))).to.deep.equal({
        value: { article: wanted, rationale: "" },
      });
  });

  it("to summarise_for_approver", () => {
    const text = JSON.stringify({ summary: `<b>Line one</b>\nline\u200b two ${"x".repeat(SUMMARY_LETTERS_MAX)}` });
    const answer = readAnswer("summarise_for_approver", SETS, text);
    expect("value" in answer && answer.value.summary)
      .to.have.lengthOf(SUMMARY_LETTERS_MAX)
      .and.match(/^Line one line two x+$/);
  });

  it("has labels as their set spells them, signals in its order, and cleaned, short words", () => {
    const text = classified({
      category: " e-MAIL & calendar\n",
      urgency_signals: ["Many People", "outage", "OUTAGE"],
      rationale: `a <b>bold</b>\nclaim ${"x".repeat(400)}`,
    });
    const answer = read(text);
    expect(answer).to.have.nested.property("value.category", "E-mail & calendar");
    expect(answer).to.have.nested.property("value.urgency_signals").that.deep.equals(["outage", "many people"]);
    expect(answer)
      .to.have.nested.property("value.rationale")
      .that.has.lengthOf(RATIONALE_LETTERS_MAX)
      .and.matches(/^a bold claim x+$/);
  });

  it("may stand in one Markdown fence, and in no other words", () => {
    for (const [before, after] of [
      ["", ""],
      [" \n", "\n"],
      ["```json\n", "\n```"],
      ["```\n", "```\n"],
      ["```", "```"],
    ])
      expect(read(`${before}${classified({})}${after}`), JSON.stringify(before)).to.have.property("value");
    for (const [before, after] of [
      ["Here: ", ""],
      ["```json\n```json\n", "\n```\n```"],
      ["", " Done."],
      ["```json\n", ""],
      ["[", "]"],
    ])
      expect(read(`${before}${classified({})}${after}`), JSON.stringify(before)).to.deep.equal({ fault: "invalid" });
  });

  it("counts as security where its category does, whatever else it says", () => {
    expect(read(classified({ category: "security", security_related: false }))).to.have.nested.property(
      "value.security_related",
      true,
    );
    expect(read(classified({ category: "Network", security_related: true }))).to.have.nested.property(
      "value.security_related",
      true,
    );
  });

  it("has only the keys whose sets are configured", () => {
    expect(askedFields("classify", NOTHING)).to.deep.equal(["security_related", "rationale"]);
    expect(readAnswer("classify", NOTHING, '{"security_related":true,"rationale":"x"}')).to.deep.equal({
      value: {
        category: "",
        service: "",
        assignment_group: "",
        intent: "",
        security_related: true,
        urgency_signals: [],
        rationale: "x",
      },
    });
    expect(readAnswer("classify", NOTHING, classified({}))).to.deep.equal({ fault: "invalid" });
  });
});

describe("An answer that cannot be used is", () => {
  it("empty", () => {
    for (const text of ["", " \n\t", "```\n```", "```json\n\n```"])
      expect(read(text), text).to.deep.equal({ fault: "empty" });
  });

  const { category: _, ...withoutCategory } = CLASSIFIED;
  const invalid: readonly (readonly [string, string])[] = [
    ["no JSON", "Network"],
    ["cut", classified({}).slice(0, -5)],
    ["two objects", classified({}) + classified({})],
    ["a list", `[${classified({})}]`],
    ["null", "null"],
    ["without a key", JSON.stringify(withoutCategory)],
    ["with a key too many", classified({ confidence: 1 })],
    ["with __proto__", classified({}).replace("{", '{"__proto__":{"category":"Security"},')],
    ["with __proto__ instead of a key", classified({}).replace('"category"', '"__proto__"')],
    ["with a key twice", classified({}).replace("{", '{"category":"Security",')],
    ["with a key twice and another missing", classified({}).replace('"service":"VPN"', '"category":"Network"')],
    ["with a number for a label", classified({ category: 1 })],
    ["with null for a label", classified({ category: null })],
    ["with a list for a label", classified({ category: ["Network"] })],
    ["with a text for a list", classified({ urgency_signals: "outage" })],
    ["with a text for a flag", classified({ security_related: "true" })],
    ["with an object for words", classified({ rationale: {} })],
    ["with NaN", classified({}).replace("false", "NaN")],
    ["with a comment", classified({}).replace("{", "{/* x */")],
    ["with single quotes", classified({}).replaceAll('"', "'")],
    ["nested too deep", classified({ urgency_signals: [["outage"]] })],
    ["deeper than the stack", "[".repeat(60_000)],
    ["too long", classified({ rationale: "x".repeat(70_000) })],
  ];
  for (const [name, text] of invalid)
    it(`invalid: ${name}`, () => expect(read(text)).to.deep.equal({ fault: "invalid" }));

  const unknown: readonly (readonly [string, object])[] = [
    ["that no set has", { category: "Printers" }],
    ["that is merely near", { category: "Networks" }],
    ["of another set", { category: "VPN" }],
    ["that is empty", { category: "" }],
    ["that is a property of every object", { service: "toString" }],
    ["that means none in a word of its own", { category: "none" }],
    ["among signals", { urgency_signals: ["outage", "VIP"] }],
    ["none among signals", { urgency_signals: ["(none)"] }],
    ["hidden in invisible characters", { category: "Net\u200bwork" }],
  ];
  for (const [name, patch] of unknown)
    it(`unknown_label: one ${name}`, () => expect(read(classified(patch))).to.deep.equal({ fault: "unknown_label" }));

  it("unknown_label: an article that was not offered, a factor that nobody named", () => {
    expect(readAnswer("recommend_resolution", SETS, '{"article":"KB0003","rationale":""}')).to.deep.equal({
      fault: "unknown_label",
    });
    expect(readAnswer("assess_change", SETS, '{"factors":["risky"],"rationale":""}')).to.deep.equal({
      fault: "unknown_label",
    });
  });
});

describe("The schema of an answer", () => {
  /** The part of JSON Schema that all strict dialects have. */
  const KEYWORDS = new Set(["type", "properties", "required", "additionalProperties", "enum", "items"]);
  function keywordsOf(schema: unknown): string[] {
    if (schema === null || typeof schema !== "object") return [];
    if (Array.isArray(schema)) return schema.flatMap(keywordsOf);
    return Object.entries(schema).flatMap(([key, value]) =>
      key === "properties"
        ? [key, ...Object.values(value as object).flatMap(keywordsOf)]
        : [key, ...(key === "enum" ? [] : keywordsOf(value))],
    );
  }

  for (const step of STEPS) {
    it(`to ${step} is in the part of the language that every strict dialect has`, () => {
      for (const sets of [SETS, NOTHING]) {
        const schema = answerSchema(step, sets);
        expect(keywordsOf(schema).filter((key) => !KEYWORDS.has(key))).to.deep.equal([]);
        expect(schema["required"]).to.deep.equal(askedFields(step, sets));
        expect(Object.keys(schema["properties"] as object)).to.deep.equal(askedFields(step, sets));
        expect(schema["additionalProperties"]).to.equal(false);
      }
    });
  }

  it("is valid, takes what readAnswer takes, and offers none for every single label", () => {
    const validate = new Ajv2020({ strict: true }).compile(answerSchema("classify", SETS));
    expect(validate(CLASSIFIED)).to.equal(true);
    const none = { ...CLASSIFIED, category: "(none)", service: "(none)", assignment_group: "(none)", intent: "(none)" };
    expect(validate(none)).to.equal(true);
    for (const wrong of [{ category: "Printers" }, { urgency_signals: ["(none)"] }, { extra: 1 }, { rationale: 1 }])
      expect(validate({ ...CLASSIFIED, ...wrong }), JSON.stringify(wrong)).to.equal(false);
  });

  it("leaves a set to the prompt that is too large for a dialect, or that one could not list", () => {
    const many = (count: number, letters: number) =>
      Array.from({ length: count }, (_, at) => String(at).padEnd(letters, "x"));
    const labels = Labels.parse({
      category: many(150, 10),
      service: many(300, 10),
      assignment_group: ['The "A" team'],
      intent: ["ask", "__proto__"],
    });
    const { properties } = answerSchema("classify", { labels, articles: [] });
    expect(properties).to.have.nested.property("category.enum").with.lengthOf(151);
    for (const field of ["service", "assignment_group", "intent"])
      expect(properties).to.have.property(field).that.deep.equals({ type: "string" });
    const long = Labels.parse({ category: many(80, 100) });
    expect(answerSchema("classify", { labels: long, articles: [] })["properties"])
      .to.have.property("category")
      .that.deep.equals({ type: "string" });
  });
});

describe("A question", () => {
  it("is not asked where there is nothing to choose", () => {
    expect(STEPS.filter((step) => canAsk(step, NOTHING))).to.deep.equal(["classify", "summarise_for_approver"]);
    expect(STEPS.filter((step) => canAsk(step, SETS))).to.deep.equal([...STEPS]);
  });

  it("has another digest for another set, and the same for sets that it does not ask about", () => {
    const labels = { ...SETS.labels, category: [...SETS.labels.category, "Printing"] };
    const meant = {
      ...SETS.labels,
      risk_factors: SETS.labels.risk_factors.map(({ id }) => ({ id, means: "something else" })),
    };
    for (const step of STEPS) {
      const same = setDigest(step, SETS);
      expect(setDigest(step, structuredClone(SETS))).to.equal(same);
      expect(setDigest(step, { ...SETS, labels }) !== same, step).to.equal(step === "classify");
      expect(setDigest(step, { ...SETS, labels: meant }) !== same, step).to.equal(step === "assess_change");
      expect(setDigest(step, { ...SETS, articles: [] }) !== same, step).to.equal(step === "recommend_resolution");
    }
  });
});
