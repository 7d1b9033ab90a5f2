import { expect } from "chai";
import { PROMPT_CODE_POINTS_MAX, repairFor } from "../../../core/advice/prompt.ts";
import { PROMPT_FIELDS, PromptFields } from "../../../core/advice/prompt-fields.ts";
import { PROMPT_VERSIONS, STEPS, type Step } from "../../../core/advice/step.ts";
import { sha256Hex } from "../../../core/canonical.ts";
import { explainIssue } from "../../../core/config/issue.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { expectGolden } from "../support/golden.ts";
import { ticketWith } from "../support/tickets.ts";
import { SETS } from "./answers.ts";
import { dataOf, NONCE, prompted } from "./prompts.ts";

const ARTICLES = [
  { id: "KB0001", title: "Renew the <b>VPN</b> code" },
  { id: "KB0002", title: "Ask joe@example.com" },
];

const CHANGE: Partial<Ticket> = {
  kind: "change",
  title: "Upgrade the VPN gateway",
  description: "Call Maria Keller under +49 30 901820.",
  service: "Remote access",
  change: {
    type: "normal",
    risk: "high",
    plannedStart: "2026-03-07T20:00:00.000Z",
    plannedEnd: "2026-03-07T22:00:00.000Z",
    backoutPlan: "Boot the old image.\nThen tell the service desk.",
    cabRequired: false,
    onHold: false,
    outcome: "",
  },
};

/** Every field that text can stand in holds a word of its own, so that whatever leaks shows itself. */
const TELLTALE = ticketWith({
  ref: { connection: "leak-connection", type: "leak-type", id: "leak-id", key: "leak-key" },
  title: "leak-title",
  description: "leak-description",
  category: "leak-category",
  subcategory: "leak-subcategory",
  assignmentGroup: "leak-assignmentGroup",
  assignee: { id: "leak-assignee", name: "Leak-Assignee", email: "leak-mail-a@acme.example" },
  requester: { id: "leak-requester", name: "Leak-Requester", email: "leak-mail-r@acme.example" },
  ci: "leak-ci",
  ciId: "leak-ciId",
  service: "leak-service",
  labels: ["leak-labels"],
  revision: "leak-revision",
  change: {
    type: "normal",
    risk: "low",
    backoutPlan: "leak-change.backoutPlan",
    cabRequired: false,
    onHold: false,
    outcome: "",
  },
  request: { item: "leak-request.item", quantity: 1, price: 4_711 },
  custom: { secret: "leak-custom" },
});

function leaks(step: Step, fields: readonly string[]): string[] {
  const allowed = PromptFields.parse({ [step]: fields })[step];
  const { system, prompt } = prompted(step, TELLTALE, { fields: allowed });
  return [...`${system}${prompt}`.matchAll(/leak-[\w.]+/gi)].map(([found]) => found.slice("leak-".length)).sort();
}

describe("What a model is asked", () => {
  for (const step of STEPS) {
    it(`to ${step}, word for word`, () => {
      const ticket = step === "classify" || step === "recommend_resolution" ? {} : CHANGE;
      const { system, prompt, promptVersion } = prompted(step, ticket, { articles: ARTICLES });
      const text = `${promptVersion}\n\n${system}\n\n----\n\n${prompt}\n`;
      expectGolden(new URL(`./${step}.golden.txt`, import.meta.url), text);
    });
  }

  it("has another version with every word that changes", () => {
    const told = STEPS.map((step) => {
      const { system, prompt } = prompted(step, CHANGE, { articles: ARTICLES });
      const repairs = (["empty", "invalid", "unknown_label"] as const).map(
        (fault) => repairFor(prompted(step), fault).prompt,
      );
      return `${PROMPT_VERSIONS[step]} ${sha256Hex([system, prompt, ...repairs].join("\n")).slice(0, 16)}`;
    });
    expect(
      told,
      "a prompt changed: give it the next version in PROMPT_VERSIONS, then write its new digest here",
    ).to.deep.equal([
      "classify-1 4ae1171d28b0e87a",
      "assess-change-1 dab3820b688afaa0",
      "recommend-resolution-1 46c629ea2dfd844d",
      "summarise-for-approver-1 a1bec5db6ad2607d",
    ]);
  });

  it("holds the fields of the list and nothing else of the ticket", () => {
    expect(leaks("classify", ["title", "description"])).to.deep.equal(["description", "title"]);
    for (const field of PROMPT_FIELDS.filter((each) => !/change\.(?!backout)/.test(each)))
      expect(leaks("classify", [field])).to.deep.equal([field]);
    const all = leaks("classify", PROMPT_FIELDS);
    expect(all).to.deep.equal(PROMPT_FIELDS.filter((each) => !/change\.(?!backout)/.test(each)).sort());
  });

  it("has no ticket text in the system prompt, and the same one for every ticket", () => {
    for (const step of STEPS)
      expect(prompted(step, CHANGE, { nonce: "f".repeat(32) }).system).to.equal(prompted(step).system);
  });

  it("has the ticket cleaned, redacted and as one field to a line", () => {
    const description = 'Hello<!-- x --> <b>joe@example.com</b>\nMaria Keller\u200b "quoted"';
    const made = prompted("classify", { title: "one\ntwo", description });
    expect(dataOf(made)).to.deep.equal({ title: "one two", description: 'Hello [EMAIL_1]\n[NAME_1] "quoted"' });
    expect(made.removed).to.deep.equal({ invisible: 1, markup: 1, comment: 1 });
    expect(made.redaction.counts()).to.deep.equal({ EMAIL: 1, NAME: 1 });
    expect(made.redaction.restore("[NAME_1]")).to.equal("Maria Keller");
    expect(JSON.stringify(made)).to.not.match(/Maria|joe@/);
  });

  it("offers articles for a resolution only, ten at the most, and none whose id could not be answered", () => {
    const many = Array.from({ length: 12 }, (_, at) => ({ id: `KB${at}`, title: "t" }));
    expect(prompted("recommend_resolution", {}, { articles: many }).sets.articles).to.have.lengthOf(10);
    expect(
      prompted("recommend_resolution", {}, { articles: [{ id: 'K"B\n', title: "t" }] }).sets.articles,
    ).to.deep.equal([]);
    expect(prompted("classify", {}, { articles: ARTICLES }).prompt).to.not.include("KB0001");
    expect(dataOf(prompted("recommend_resolution", {}, { articles: ARTICLES }))["articles"]).to.deep.equal([
      { id: "KB0001", title: "Renew the VPN code" },
      { id: "KB0002", title: "Ask [EMAIL_1]" },
    ]);
  });

  it("knows when no field has a word", () => {
    expect(prompted("classify", { title: " ", description: "\u200b" }).isBlank).to.equal(true);
    expect(prompted("classify").isBlank).to.equal(false);
  });

  it("wants a nonce that nobody can guess", () => {
    for (const nonce of ["", "abc", "x".repeat(16), "0".repeat(65), "0123456789ABCDEF"])
      expect(() => prompted("classify", {}, { nonce })).to.throw(TypeError, "a nonce is");
  });
});

describe("What a model sees is bounded", () => {
  const sizeOf = (made: ReturnType<typeof prompted>): number =>
    Object.values(dataOf(made)).reduce((sum: number, text) => sum + [...String(text)].length, 0);

  it("by field and in all, and says what was cut", () => {
    const long = "😀 word ".repeat(5_000);
    const names = { category: long, subcategory: long, service: long, ci: long, assignmentGroup: long };
    const change = {
      type: "normal",
      risk: "",
      backoutPlan: long,
      cabRequired: false,
      onHold: false,
      outcome: "",
    } as const;
    const made = prompted(
      "assess_change",
      { title: long, description: long, ...names, labels: [long], change },
      { fields: PROMPT_FIELDS },
    );
    const data = dataOf(made);
    expect([...String(data["title"])].length).to.be.within(290, 300);
    expect([...String(data["description"])].length).to.be.within(5_990, 6_000);
    expect([...String(data["change.backoutPlan"])].length).to.be.within(2_900, 3_000);
    expect(data["description"]).to.match(/ \[cut\]$/);
    expect(sizeOf(made)).to.be.within(10_400, PROMPT_CODE_POINTS_MAX);
    expect(made.removed.cut).to.equal(9);
  });

  it("so that the lists we ship always fit, and what is last goes first where one does not", () => {
    const long = "word ".repeat(5_000);
    const change = {
      type: "normal",
      risk: "",
      backoutPlan: long,
      cabRequired: false,
      onHold: false,
      outcome: "",
    } as const;
    const ticket = { title: long, description: long, ci: long, service: long, change };
    expect(Object.keys(dataOf(prompted("assess_change", ticket)))).to.include.members(["ci", "service"]);
    const all = {
      ...ticket,
      category: long,
      subcategory: long,
      assignmentGroup: long,
      labels: [long],
      request: { item: long, quantity: 1, price: 0 },
    };
    const data = dataOf(prompted("classify", all, { fields: PROMPT_FIELDS }));
    expect(String(data["request.item"] ?? "").length).to.be.below(100);
  });

  it("without half a secret or half a mark where it was cut", () => {
    for (let shift = 0; shift < 320; shift += 1) {
      const before = "x ".repeat(2_790) + "y".repeat(shift % 40) + "z ".repeat(shift);
      const made = prompted("classify", {
        description: `${before}card 4111 1111 1111 1111 or joe.doe@example.com ${"end ".repeat(200)}`,
      });
      const text = String(dataOf(made)["description"]);
      expect(text).to.not.match(/4111|joe|doe|@|\[[A-Z]+_?\d*(?: |$)/);
    }
  });

  it("even where a key fills the room and what follows was cut", () => {
    const pem = `-----BEGIN PRIVATE KEY-----\n${"ab+/CD12\n".repeat(600)}-----END PRIVATE KEY-----`;
    for (let shift = 0; shift < 30; shift += 1) {
      const made = prompted("classify", {
        description: `${pem} ${"q".repeat(790 + shift)} joe.doe@example.com ${"end ".repeat(200)}`,
      });
      expect(String(dataOf(made)["description"])).to.not.match(/joe|doe|ab\+/);
    }
  });
});

describe("The digests of a question", () => {
  const of = (patch: Partial<Ticket>, nonce = NONCE) => prompted("classify", patch, { nonce });

  it("are the same for the same text, whatever the nonce, the ticket and its people", () => {
    const one = of({ title: "Printer", description: "Ask Maria Keller" });
    const other = of(
      {
        title: "Printer",
        description: "Ask John Doe",
        requester: { id: "u2", name: "John Doe", email: "" },
        updatedAt: "2026-05-05T00:00:00.000Z",
      },
      "f".repeat(32),
    );
    expect(other.prompt).to.not.equal(one.prompt);
    expect(other.contentDigest).to.equal(one.contentDigest);
    expect(other.setDigest).to.equal(one.setDigest);
  });

  it("differ with every letter that the model sees, and with nothing that it does not", () => {
    const one = of({ title: "Printer" });
    expect(of({ title: "Printers" }).contentDigest).to.not.equal(one.contentDigest);
    expect(of({ title: "Pri\u200bnter", category: "hardware" }).contentDigest).to.equal(one.contentDigest);
    expect(prompted("classify", { title: "Printer" }, { fields: ["title"] }).contentDigest).to.not.equal(
      one.contentDigest,
    );
    const offered = prompted("recommend_resolution", {}, { articles: ARTICLES });
    expect(prompted("recommend_resolution", {}, { articles: ARTICLES.slice(1) }).contentDigest).to.not.equal(
      offered.contentDigest,
    );
  });

  it("are those of the question at the second try", () => {
    const one = of({});
    const { contentDigest, setDigest, promptVersion } = repairFor(one, "invalid");
    expect({ contentDigest, setDigest, promptVersion }).to.deep.equal({
      contentDigest: one.contentDigest,
      setDigest: one.setDigest,
      promptVersion: one.promptVersion,
    });
  });
});

describe("The second try", () => {
  for (const fault of ["empty", "invalid", "unknown_label"] as const) {
    it(`after ${fault} repeats what is wanted`, () => {
      const one = prompted("classify");
      const again = repairFor(one, fault);
      expect(again.system).to.equal(one.system);
      expect(again.prompt.startsWith(one.prompt)).to.equal(true);
      expect(again.prompt.slice(one.prompt.length)).to.include(JSON.stringify(one.schema));
      dataOf(again);
    });
  }
});

describe("The list of fields that a step may show", () => {
  const problemsWith = (written: unknown): string[] => {
    const read = PromptFields.safeParse(written);
    if (read.success) return [];
    return read.error.issues
      .flatMap((issue) => explainIssue(issue, written, () => [...STEPS]))
      .map(({ path, what, fix }) => `${path.join(".")}: ${what}. ${fix}`);
  };

  it("has a default for every step, and can be shortened", () => {
    expect(Object.keys(PromptFields.parse({}))).to.deep.equal([...STEPS]);
    expect(PromptFields.parse({ classify: ["title"] }).classify).to.deep.equal(["title"]);
  });

  it("takes no field that is not made for it", () => {
    expect(problemsWith({ classify: ["requester"] })).to.deep.equal([
      `classify.0: "requester" does not fit here. Did you mean "request.item"? ${`Write one of: ${PROMPT_FIELDS.join(", ")}`}`,
    ]);
    expect(problemsWith({ classify: [] })).to.deep.equal(["classify: a list is out of bounds. Write at least 1 entry"]);
    expect(problemsWith({ classify: ["title", "ci", "title"] })).to.deep.equal([
      'classify.2: "title" stands here twice. Write another field, or remove it',
    ]);
    expect(problemsWith({ clasify: ["title"] })).to.deep.equal([
      'clasify: "clasify" is not a known key here. Did you mean "classify"?',
    ]);
  });

  it("leaves the sets alone", () => expect(prompted("classify").sets.labels).to.equal(SETS.labels));
});
