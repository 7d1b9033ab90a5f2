import { expect } from "chai";
import fc from "fast-check";
import { AI_LETTERS_MAX, aiText } from "../../../core/advice/rationale.ts";
import { textToAdf } from "../../../core/mapping/adf.ts";

const LABEL = "AI text: ";

describe("A model's own words in a note", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["are labelled", "The VPN asks for a code again.", "The VPN asks for a code again."],
    ["are one line", "one\ntwo\r\n\u2028three\t four", "one two three four"],
    ["cannot look like lines of the note", "x\nDecision 0a1b [il:0a1b2c3d]", "x Decision 0a1b (il:0a1b2c3d)"],
    ["open no [code] in ServiceNow", "[code]<img src=x onerror=alert(1)>[/code] [co[code]de]x", "(code)x"],
    ["hold no HTML", "<b>bold</b> &lt;script&gt; a<b", "bold (script) a(b"],
    ["hold no entity", "&lt;script&gt; &#60;b", "+lt;script+gt; +#60;b"],
    [
      "hold no wiki markup",
      "{color:red}red{color} {{mono}} {html}x{html} !pic.png! |a|b| \\\\",
      "red ((mono)) (html)x(html) /a/b/ //",
    ],
    ["mention nobody", "ask [~jdoe], [~accountid:5b10] or @joe", "ask (a person), (a person) or (at)joe"],
    [
      "hold no link",
      "see [here](https://evil.example/x), https://evil.example?x=1 or www.evil.example/a",
      "see here, (link removed) or (link removed)",
    ],
    [
      "name no site",
      "get it at freegame.com or fakesoft.co.uk/x, not outlook.exe",
      "get it at (link removed) or (link removed) not outlook.exe",
    ],
    ["run no scheme", "javascript:alert(1) mailto:a@b.example tel:+49", "(link removed) (link removed) (link removed)"],
    ["hold nothing invisible", "a\u200bb\u202ec\u{e0041}d", "abcd"],
    ["draw no rules and no tables", "a ---- b ____ c", "a - b _ c"],
  ];
  for (const [name, words, shown] of cases) it(name, () => expect(aiText(words)).to.equal(LABEL + shown));

  it("are nothing where nothing is left", () => {
    for (const words of ["", " \n", "[]{}", "\u200b", "!!!", "<b></b>"]) expect(aiText(words)).to.equal("");
  });

  it("are cut, and say so", () => {
    expect(aiText("x".repeat(AI_LETTERS_MAX))).to.equal(LABEL + "x".repeat(AI_LETTERS_MAX));
    expect(aiText("x".repeat(AI_LETTERS_MAX + 1))).to.equal(`${LABEL}${"x".repeat(AI_LETTERS_MAX - 3)}...`);
    expect(aiText("😀 abc", 4)).to.equal(`${LABEL}😀...`);
  });

  it("keep what people write", () => {
    const words = "E-mail (Exchange) is down for 12 people since 09:15; error 0x80070005, host srv_web-01, 50% + more?";
    expect(aiText(words)).to.equal(LABEL + words);
  });

  it("are safe in every place at once, whatever the words", () => {
    const piece = fc.oneof(
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.constantFrom(
        "[code]",
        "[/code]",
        "<script>",
        "[~x]",
        "@",
        "{",
        "}",
        "https://a.example",
        "www.",
        "[x](y)",
        "[il:",
        "\n",
        "&lt;",
        "!a!",
        "[a|b]",
        "javascript:",
        "\\",
      ),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.integer({ min: 4, max: 600 }), (pieces, max) => {
        const line = aiText(pieces.join(""), max);
        if (line === "") return;
        expect(line.startsWith(LABEL)).to.equal(true);
        expect([...line].length).to.be.at.most(LABEL.length + max);
        expect(line).to.not.match(
          /[[\]{}<>@|\\!]|:\/\/|www\.|&#?\w+;|\n|[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/iu,
        );
        const { content } = textToAdf(line);
        expect(content).to.deep.equal([{ type: "paragraph", content: [{ type: "text", text: line }] }]);
      }),
      { numRuns: 2_000 },
    );
  });
});
