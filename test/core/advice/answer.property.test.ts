import { expect } from "chai";
import fc from "fast-check";
import { answerSchema, askedFields, type Read, readAnswer } from "../../../core/advice/answer.ts";
import { STEPS, type Step } from "../../../core/advice/step.ts";
import { CLASSIFIED, SETS } from "./answers.ts";

const RUNS = 12_000;

const { labels, articles } = SETS;
const near = [
  "Network",
  "network ",
  "VPN",
  "(none)",
  "none",
  "",
  "Security",
  "security",
  "KB0001",
  "KB1",
  "no_backout",
  "outage",
  "__proto__",
  "constructor",
  "*",
];

/** Answers that are nearly right, and anything else. */
const anyValue = fc.oneof(
  fc.constantFrom(...near),
  fc.boolean(),
  fc.array(fc.constantFrom(...near), { maxLength: 4 }),
  fc.jsonValue({ maxDepth: 3 }),
);
const keys = [...new Set(STEPS.flatMap((step) => askedFields(step, SETS)))];
const anyObject = fc.oneof(
  fc.record(Object.fromEntries(keys.map((key) => [key, anyValue])), { requiredKeys: [] }),
  fc.dictionary(fc.constantFrom(...keys, "__proto__", "extra"), anyValue),
  fc.record(
    Object.fromEntries(
      Object.entries(CLASSIFIED).map(([key, value]) => [
        key,
        fc.oneof({ weight: 6, arbitrary: fc.constant(value) }, anyValue),
      ]),
    ),
  ),
  fc.record({
    factors: fc.array(fc.constantFrom("no_backout", "peak_hours", "NO_BACKOUT", "x")),
    rationale: fc.string(),
  }),
  fc.record({
    article: fc.constantFrom("KB0001", "kb0002 ", "(none)", "KB9"),
    rationale: fc.string({ unit: "binary" }),
  }),
  fc.record({ summary: fc.string({ unit: "binary", maxLength: 2_000 }) }),
);
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.json(),
  anyObject.map((value) => JSON.stringify(value)),
  fc.tuple(anyObject, fc.nat(), fc.string({ maxLength: 3 })).map(([value, at, inserted]) => {
    const text = JSON.stringify(value);
    return text.slice(0, at % text.length) + inserted + text.slice(at % text.length);
  }),
  anyObject.map((value) => `\`\`\`json\n${JSON.stringify(value, null, 2)}\n\`\`\``),
);

function mustBe(set: readonly string[], label: string): void {
  expect(["", ...set]).to.include(label);
}

function mustBeSubset(set: readonly string[], chosen: readonly string[]): void {
  expect(chosen).to.deep.equal(set.filter((label) => chosen.includes(label)));
}

function mustBeWords(words: string, lettersMax: number): void {
  expect([...words].length).to.be.at.most(lettersMax);
  expect(words).to.not.match(/[\n\p{Cc}\p{Cf}]/u);
}

const CHECKS: { readonly [S in Step]: (answer: Read<S>) => boolean } = {
  classify: (answer) => {
    if ("fault" in answer) return false;
    const { value } = answer;
    expect(Object.keys(value)).to.deep.equal(Object.keys(CLASSIFIED));
    for (const field of ["category", "service", "assignment_group", "intent"] as const)
      mustBe(labels[field], value[field]);
    expect(value.security_related).to.be.a("boolean");
    mustBeSubset(labels.urgency_signals, value.urgency_signals);
    mustBeWords(value.rationale, 300);
    return true;
  },
  assess_change: (answer) => {
    if ("fault" in answer) return false;
    mustBeSubset(["no_backout", "peak_hours"], answer.value.factors);
    mustBeWords(answer.value.rationale, 300);
    return true;
  },
  recommend_resolution: (answer) => {
    if ("fault" in answer) return false;
    mustBe(articles, answer.value.article);
    mustBeWords(answer.value.rationale, 300);
    return true;
  },
  summarise_for_approver: (answer) => {
    if ("fault" in answer) return false;
    mustBeWords(answer.value.summary, 600);
    return true;
  },
};

function readsSafely<S extends Step>(step: S, text: string): boolean {
  const answer = readAnswer(step, SETS, text);
  if ("fault" in answer) expect(answer.fault).to.be.oneOf(["empty", "invalid", "unknown_label"]);
  return CHECKS[step](answer);
}

describe("readAnswer, for any text", () => {
  it(`never yields a value outside of the sets, in ${RUNS} tries`, () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(anyText, (text) => {
        for (const step of STEPS) {
          const key = `${step} ${readsSafely(step, text)}`;
          seen.set(key, (seen.get(key) ?? 0) + 1);
        }
      }),
      { numRuns: RUNS },
    );
    // A property over faults alone would prove nothing.
    for (const step of STEPS) expect(seen.get(`${step} true`), step).to.be.greaterThan(RUNS / 100);
  });

  it("takes every answer that its own schema describes", () => {
    expect(answerSchema("classify", SETS)["required"]).to.deep.equal(Object.keys(CLASSIFIED));
    const single = (set: readonly string[]) => fc.constantFrom(...set, "(none)");
    const answers = fc.record({
      category: single(labels.category),
      service: single(labels.service),
      assignment_group: single(labels.assignment_group),
      intent: single(labels.intent),
      security_related: fc.boolean(),
      urgency_signals: fc.array(fc.constantFrom(...labels.urgency_signals)),
      rationale: fc.string({ unit: "binary" }),
    });
    fc.assert(
      fc.property(answers, (answer) => {
        expect(readAnswer("classify", SETS, JSON.stringify(answer))).to.have.property("value");
      }),
    );
  });
});
