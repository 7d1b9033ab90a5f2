import { expect } from "chai";
import { canonicalLabel, isSecurityCategory, Labels, labelFields, NO_LABELS } from "../../../core/advice/labels.ts";
import { explainIssue } from "../../../core/config/issue.ts";

const LABELS = Labels.parse({
  category: ["Network", "Security incident", "E-mail"],
  assignment_group: ["Network Operations"],
  urgency_signals: ["outage"],
  security_categories: ["security INCIDENT"],
  risk_factors: [{ id: "no_backout", means: "There is no way back" }],
});

/** As an admin reads them: where, what is wrong, what to write. */
function problemsWith(written: unknown): string[] {
  const read = Labels.safeParse(written);
  if (read.success) return [];
  return read.error.issues
    .flatMap((issue) => explainIssue(issue, written, () => ["category", "service"]))
    .map(({ path, what, fix }) => `${path.join(".")}: ${what}. ${fix}`);
}

describe("The closed sets", () => {
  it("are all empty where nothing is written, and then nothing is asked for", () => {
    expect(labelFields(NO_LABELS)).to.deep.equal([]);
    expect(problemsWith({})).to.deep.equal([]);
  });

  it("say which fields have one", () => {
    expect(labelFields(LABELS)).to.deep.equal(["category", "assignment_group"]);
  });

  it("take 500 labels of 100 characters, and not one more of either", () => {
    const many = Array.from({ length: 500 }, (_, at) => `label ${at}`);
    expect(problemsWith({ service: [...many.slice(1), "😀".repeat(100)] })).to.deep.equal([]);
    expect(problemsWith({ service: [...many, "x"] })).to.deep.equal([
      "service: a list is out of bounds. Write at most 500 entries",
    ]);
    expect(problemsWith({ service: ["x".repeat(101)] })).to.deep.equal([
      "service.0: is too long. Write at most 100 characters",
    ]);
  });

  const cases: readonly (readonly [string, unknown, string])[] = [
    ["an unknown key", { categroy: ["a"] }, 'categroy: "categroy" is not a known key here. Did you mean "category"?'],
    ["an empty label", { intent: [" "] }, "intent.0: is empty. Write a text, or leave the entry out"],
    ["a label with spaces around it", { intent: [" ask"] }, 'intent.0: begins or ends with a space. Write "ask"'],
    [
      "a label of two lines",
      { intent: ["a\nb"] },
      "intent.0: holds characters that nobody sees. Write the text in one line of visible characters",
    ],
    [
      "a label with invisible characters",
      { intent: ["a\u200bb"] },
      "intent.0: holds characters that nobody sees. Write the text in one line of visible characters",
    ],
    [
      "two labels that differ by case alone",
      { intent: ["Ask", "tell", "ASK"] },
      'intent.2: "ASK" stands here twice. Write another one, or remove it: entry 1 is the same',
    ],
    [
      "a label that means none",
      { intent: ["(None)"] },
      "intent.0: is what a model answers where no label fits. Write another name",
    ],
    [
      "a security category that is misspelt",
      { category: ["Security"], security_categories: ["Securty"] },
      'security_categories.0: "Securty" is not among the categories. Write "Security", or add it to category',
    ],
    [
      "a security category without categories",
      { security_categories: ["Fire"] },
      'security_categories.0: "Fire" is not among the categories. Write one of category, or add it to category',
    ],
    [
      "a factor id that is no id",
      { risk_factors: [{ id: "No way", means: "x" }] },
      'risk_factors.0.id: "No way" does not fit here. Write lower-case letters, digits, _ and -, at most 64',
    ],
    ["a factor without a meaning", { risk_factors: [{ id: "a" }] }, "risk_factors.0.means: is missing. Add it: a text"],
    [
      "two factors of one id",
      {
        risk_factors: [
          { id: "a", means: "x" },
          { id: "a", means: "y" },
        ],
      },
      'risk_factors.1.id: "a" stands here twice. Write another one, or remove it: entry 1 is the same',
    ],
    ["a text where a list belongs", { service: "Mail" }, 'service: "Mail" does not fit here. Write a list'],
  ];
  for (const [name, written, problem] of cases)
    it(`refuse ${name}`, () => expect(problemsWith(written)).to.deep.equal([problem]));
});

describe("A label", () => {
  it("is the set's own, whatever its case and the spaces around it", () => {
    expect(canonicalLabel(LABELS.category, "  network ")).to.equal("Network");
    expect(canonicalLabel(["Caf\u00e9"], "CAFE\u0301")).to.equal("Caf\u00e9");
  });

  it("is never one that is merely near", () => {
    for (const near of [
      "Networks",
      "Netwrk",
      "Network.",
      "Net work",
      "",
      "(none)",
      "constructor",
      "Security  incident",
    ])
      expect(canonicalLabel(LABELS.category, near)).to.equal(undefined);
  });

  it("of a category says by itself whether it is about security", () => {
    expect(isSecurityCategory(LABELS, "Security Incident")).to.equal(true);
    expect(isSecurityCategory(LABELS, "Network")).to.equal(false);
    expect(isSecurityCategory(LABELS, "")).to.equal(false);
  });
});
