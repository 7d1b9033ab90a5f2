import { expect } from "chai";
import fc from "fast-check";
import type { ClassifyModel } from "../../../../core/advice/local/model.ts";
import { SCORE_MAX } from "../../../../core/advice/score.ts";
import { madeUpTickets, modelOf, opened, trained } from "./tickets.ts";

describe("the local model", () => {
  let model: ClassifyModel;
  before(async () => {
    model = await modelOf(madeUpTickets(200));
  });

  it("answers every field that it was trained for with its best label", () => {
    const { category, service, assignment_group, intent } = model.predict("My laptop has a broken screen");
    expect([category?.length, category?.[0]?.label, service?.[0]?.label]).to.deep.equal([1, "Hardware", "Laptops"]);
    expect(category?.[0]?.score).to.be.within(SCORE_MAX / 2, SCORE_MAX);
    expect([assignment_group, intent]).to.deep.equal([undefined, undefined]);
  });

  it("answers as many labels as wanted, best first, whose scores add up to certainty", () => {
    const { category = [] } = model.predict("vpn password", 9);
    const scores = category.map(({ score }) => score);
    expect(category).to.have.length(4);
    expect(scores).to.deep.equal(scores.toSorted((a, b) => b - a));
    expect(scores.reduce((sum, score) => sum + score, 0)).to.be.closeTo(SCORE_MAX, 4);
    expect(model.predict("vpn password", 2).category).to.deep.equal(category.slice(0, 2));
  });

  it("has no opinion on a text that says nothing it knows", () => {
    for (const text of ["", "  ", "¿?!", "qqqq zzzz", "\ud83d"]) expect(model.predict(text), text).to.deep.equal({});
  });

  it("reads the beginning of a huge text", () => {
    const huge = `password locked ${"wifi ".repeat(2_000_000)}`;
    expect(model.predict(huge)).to.deep.equal(model.predict(huge.slice(0, 5_000)));
  });

  it("answers a text the same whatever it was asked before", () => {
    const fresh = model.predict("invoice for a laptop", 4);
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        model.predict(text);
        expect(model.predict("invoice for a laptop", 4)).to.deep.equal(fresh);
      }),
    );
  });

  it("answers any text with labels of its own and whole scores in their range", () => {
    const labels = new Set(model.header.heads.flatMap((head) => head.labels.map(({ label }) => label)));
    const word = fc.constantFrom("laptop", "password", "wifi", "invoice", "ﷺ", "印刷", "x");
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(word).map((words) => words.join(" ")),
    );
    fc.assert(
      fc.property(text, (given) => {
        for (const scored of Object.values(model.predict(given, 4)).flat()) {
          expect(labels.has(scored.label)).to.equal(true);
          expect(Number.isInteger(scored.score) && scored.score >= 0 && scored.score <= SCORE_MAX).to.equal(true);
        }
      }),
    );
  });

  it("learns from languages with and without spaces", async () => {
    const topics: [string, string[]][] = [
      ["printer", ["プリンターが故障しました", "印刷できません", "Der Drucker druckt nicht", "принтер не печатает"]],
      ["access", ["パスワードを忘れました", "ログインできません", "Passwort vergessen", "забыл пароль"]],
    ];
    const given = topics.flatMap(([category, texts]) =>
      texts.flatMap((text) =>
        ["お願いします", "bitte", "срочно"].map((more) => ({ text: `${text} ${more}`, labels: { category } })),
      ),
    );
    const found = await modelOf(given);
    for (const [text, label] of [
      ["プリンターの印刷", "printer"],
      ["パスワードでログイン", "access"],
      ["DRUCKER defekt", "printer"],
      ["пароль", "access"],
    ])
      expect(found.predict(text ?? "").category?.[0]?.label, text).to.equal(label);
  });
});

describe("the file of a model", () => {
  it("holds the model: read again, it answers the same", async () => {
    const { file } = await trained(madeUpTickets(200), { percent: 20 });
    const [one, two] = [opened(file), opened(file)];
    expect(two.checksum).to.equal(one.checksum);
    expect(one.model.header).to.deep.include({ seed: 1, holdOutPercent: 20, trainedAt: "2026-01-01T00:00:00Z" });
    for (const { text } of madeUpTickets(50, 2))
      expect(two.model.predict(text, 4)).to.deep.equal(one.model.predict(text, 4));
  });

  it("holds no text of any ticket, only labels", async () => {
    const canaries = ["xylophone", "Überweisung", "j.doe@example.com", "4111111111111111", "印刷機"];
    const given = madeUpTickets(100).map(({ text, labels }) => ({ text: `${text} ${canaries.join(" ")}`, labels }));
    const bytes = Buffer.from((await trained(given)).file ?? "");
    const words = new Set(given.flatMap(({ text }) => text.split(" ")).filter((word) => word.length >= 5));
    expect(words.size).to.be.above(20);
    for (const word of words)
      for (const encoding of ["utf8", "utf16le"] as const)
        for (const written of [word, word.toLowerCase()])
          expect(bytes.includes(Buffer.from(written, encoding)), written).to.equal(false);
    expect(bytes.includes("Hardware")).to.equal(true);
  });
});
