import { expect } from "chai";
import fc from "fast-check";
import { type AdfNode, adfToText, textToAdf } from "../../../core/mapping/adf.ts";

function text(words: string): AdfNode {
  return { type: "text", text: words };
}

function paragraph(...content: AdfNode[]): AdfNode {
  return { type: "paragraph", content };
}

function doc(...content: AdfNode[]): AdfNode {
  return { type: "doc", content };
}

function nodesOf(node: AdfNode): AdfNode[] {
  return [node, ...(node.content ?? []).flatMap(nodesOf)];
}

describe("ADF to text", () => {
  const cases: readonly (readonly [string, AdfNode, string])[] = [
    ["a line per block", doc(paragraph(text("a")), { type: "heading", content: [text("b")] }), "a\nb"],
    ["hard breaks", doc(paragraph(text("a"), { type: "hardBreak" }, text("b"))), "a\nb"],
    ["runs of text", doc(paragraph(text("a "), text("b"))), "a b"],
    [
      "list items",
      doc({
        type: "bulletList",
        content: ["a", "b"].map((item): AdfNode => ({ type: "listItem", content: [paragraph(text(item))] })),
      }),
      "a\nb",
    ],
    [
      "mentions, emoji, status and dates",
      doc(
        paragraph(
          { type: "mention", attrs: { text: "@Maria" } },
          text(" "),
          { type: "emoji", attrs: { shortName: ":x:" } },
          { type: "status", attrs: { text: "DONE" } },
          { type: "date", attrs: { timestamp: "1" } },
        ),
      ),
      "@Maria :x:DONE1",
    ],
    ["links", doc(paragraph({ type: "inlineCard", attrs: { url: "https://example.com" } })), "https://example.com"],
    [
      "table rows",
      doc({
        type: "table",
        content: [
          {
            type: "tableRow",
            content: [
              { type: "tableCell", content: [text("a")] },
              { type: "tableCell", content: [text("b")] },
            ],
          },
        ],
      }),
      "ab",
    ],
    ["nodes nobody knows, by their text", doc({ type: "novelty", content: [paragraph(text("a"))] }), "a"],
    ["nothing", doc(), ""],
  ];
  for (const [name, document, plain] of cases) {
    it(`gives ${name}`, () => {
      expect(adfToText(document)).to.equal(plain);
    });
  }

  it("takes anything for a document, and finds no text in what is none", () => {
    for (const value of [
      null,
      undefined,
      7,
      "a",
      [],
      {},
      { type: "text" },
      { type: "text", text: 7 },
      { content: "a" },
      { type: {}, content: [null, 7] },
    ])
      expect(adfToText(value), JSON.stringify(value)).to.equal("");
  });

  it("cuts what is deeper than 40, without a stack to overflow", () => {
    const deep = (levels: number): AdfNode => {
      let node = text("deep");
      for (let level = 0; level < levels; level += 1) node = { type: "panel", content: [node] };
      return node;
    };
    expect(adfToText(deep(40))).to.equal("deep");
    expect(adfToText(deep(41))).to.equal("");
    expect(adfToText(deep(200_000))).to.equal("");
  });
});

describe("text to ADF", () => {
  it("makes a paragraph of a block of lines, with hard breaks inside", () => {
    expect(textToAdf("a\nb\n\nc")).to.deep.equal({
      type: "doc",
      version: 1,
      content: [paragraph(text("a"), { type: "hardBreak" }, text("b")), paragraph(text("c"))],
    });
  });

  it("makes no markup of what looks like it", () => {
    expect(textToAdf("*a* <b> [c|http://d] {panel}").content).to.deep.equal([
      paragraph(text("*a* <b> [c|http://d] {panel}")),
    ]);
  });

  const anyText = fc.oneof(
    fc.string({ unit: "binary" }),
    fc
      .array(fc.constantFrom("a", "b c", " ", "", "\n", "\n\n", "\n\n\n", "\t"), { maxLength: 12 })
      .map((parts) => parts.join("")),
  );

  it("has no empty text node and no empty paragraph, which the API refuses (property)", () => {
    fc.assert(
      fc.property(anyText, (plain) => {
        const nodes = nodesOf(textToAdf(plain));
        for (const node of nodes) {
          if (node.type === "text") expect(node.text).not.to.equal("");
          if (node.type === "paragraph") expect(node.content).not.to.have.length(0);
        }
        expect(nodes.some(({ type, text: words }) => type === "text" && words?.includes("\n"))).to.equal(false);
      }),
    );
  });

  it("gives its lines back, but for those that are blank (property)", () => {
    fc.assert(
      fc.property(anyText, (plain) => {
        const lines = (of: string): string[] =>
          of
            .split("\n")
            .map((line) => line.trim())
            .filter((line) => line !== "");
        expect(lines(adfToText(textToAdf(plain)))).to.deep.equal(lines(plain));
      }),
    );
  });

  it("is the same text again once it went there and back (property)", () => {
    fc.assert(
      fc.property(anyText, (plain) => {
        const once = adfToText(textToAdf(plain));
        expect(adfToText(textToAdf(once))).to.equal(once);
      }),
    );
  });
});
