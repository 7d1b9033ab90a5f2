import { expect } from "chai";
import type { AdfNode } from "./adf.ts";
import { adfFromText, adfToText, isAdf } from "./adf.ts";

describe("ADF", () => {
  it("goes from text to a document the API takes, and back", () => {
    for (const text of ["one line", "two\nlines", "a paragraph\n\nand another\nwith a break", ""]) {
      expect(isAdf(adfFromText(text)), text).to.equal(true);
      expect(adfToText(adfFromText(text))).to.equal(text);
    }
  });

  it("puts a hard break where a line ends", () => {
    const text = (words: string): unknown => ({ type: "text", text: words });
    expect(adfFromText("a\nb")).to.deep.equal({
      type: "doc",
      version: 1,
      content: [{ type: "paragraph", content: [text("a"), { type: "hardBreak" }, text("b")] }],
    });
  });

  it("refuses what the API refuses", () => {
    const paragraph = (content: unknown): unknown => ({
      type: "doc",
      version: 1,
      content: [{ type: "paragraph", content }],
    });
    const bad = [
      "text",
      null,
      {},
      { type: "doc", content: [] },
      { type: "doc", version: 2, content: [] },
      { type: "paragraph", version: 1, content: [] },
      paragraph([{ type: "text", text: "" }]),
      paragraph([{ type: "text" }]),
      paragraph("text"),
    ];
    for (const value of bad) expect(isAdf(value), JSON.stringify(value)).to.equal(false);
  });

  it("finds the words in lists and tables", () => {
    const cell = (words: string): AdfNode => ({ type: "listItem", content: adfFromText(words).content });
    const list = { type: "doc", version: 1, content: [{ type: "bulletList", content: [cell("one"), cell("two")] }] };
    expect(adfToText(list)).to.equal("one\n\ntwo");
  });
});
