import { expect } from "chai";
import { KnownValues, type Side, shownAs, standsThere } from "../../../connectors/jira/past-value.ts";
import { readPath } from "../../../core/mapping/path.ts";
import type { Transform } from "../../../core/mapping/transforms.ts";

const side = (text: string | null, id: string | null = null): Side => ({ id, text });

describe("a value of a Jira changelog", () => {
  const cases: [what: string, reads: string[], read: Transform | "", given: Side, shown: unknown][] = [
    ["an option by what is read of it", ["f.value"], "", side("Network", "10401"), { "f.value": "Network" }],
    ["a status by its name", ["f.name"], "", side("Open", "1"), { "f.name": "Open" }],
    ["the id of an option", ["f.id"], "", side("Network", "10401"), { "f.id": "10401" }],
    ["a group", ["f", "f.name"], "group", side("Network", "g1"), { "f.groupId": "g1", "f.name": "Network" }],
    ["a text", ["f"], "text", side("words"), { f: "words" }],
    ["a document, as its words", ["f"], "adf", side("words"), { f: "words" }],
    [
      "a time by its id",
      ["f"],
      "datetime",
      side("1/Feb/26", "2026-02-01T10:00:00.000+0000"),
      { f: "2026-02-01T10:00:00.000+0000" },
    ],
    [
      "a time by its text",
      ["f"],
      "datetime",
      side("2026-02-01T10:00:00.000+0000"),
      { f: "2026-02-01T10:00:00.000+0000" },
    ],
    ["an item that is a text", ["f", "f.name"], "ci", side("router-1"), { f: "router-1" }],
    ["nothing", ["f.value"], "", side(null), { f: null }],
    ["nothing, as older sites write it", ["f.value"], "", side("", ""), { f: null }],
  ];
  for (const [what, reads, read, given, shown] of cases)
    it(`is shown as ${what}`, () => {
      const transforms = new Map(read === "" ? [] : [["f", read] as const]);
      const { raw, untold } = shownAs("f", given, { reads, transforms, today: undefined, personKey: "accountId" });
      const read_ = Object.fromEntries(Object.keys(shown as object).map((path) => [path, readPath({ f: raw }, path)])); // a table above
      expect([read_, untold]).to.deep.equal([shown, []]);
    });

  it("names a person as the site's histories do", () => {
    for (const personKey of ["accountId", "key"] as const) {
      const shown = shownAs("assignee", side("Abel", "a1"), {
        reads: ["assignee", "assignee.name", "assignee.email"],
        transforms: new Map([["assignee", "user"]]),
        today: undefined,
        personKey,
      });
      expect(shown).to.deep.equal({ raw: { displayName: "Abel", [personKey]: "a1" }, untold: [] });
    }
  });

  it("is labels apart, and of no other list", () => {
    const transforms = new Map<string, Transform>([
      ["labels", "list"],
      ["components", "list"],
    ]);
    const showing = { reads: ["labels", "components"], transforms, today: undefined, personKey: "key" } as const;
    expect(shownAs("labels", side("a b"), showing)).to.deep.equal({ raw: ["a", "b"], untold: [] });
    expect(shownAs("labels", side(""), showing)).to.deep.equal({ raw: [], untold: [] });
    expect(shownAs("components", side("a"), showing).untold).to.deep.equal(["components"]);
  });

  it("is not guessed at where a mapping reads deeper than it tells, or by an expression", () => {
    const showing = { transforms: new Map(), today: undefined, personKey: "key" } as const;
    expect(shownAs("f", side("x", "1"), { ...showing, reads: ["f.child.value"] }).untold).to.deep.equal([
      "f.child.value",
    ]);
    expect(shownAs("f", side("x", "1"), { ...showing, reads: ["f"] }).untold).to.deep.equal(["f"]);
  });

  it("is what issues show of its id today", () => {
    const known = new KnownValues();
    const abel = { accountId: "a1", displayName: "Abel", emailAddress: "abel@example.com" };
    known.learn("reporter", abel);
    known.learn("status", { id: "1", name: "Open" });
    expect(known.of("assignee", "a1", true)).to.equal(abel);
    expect(known.of("priority", "1", false)).to.equal(undefined);
    expect(known.of("status", null, false)).to.equal(undefined);
  });

  it("stands there or does not, as far as the two forms can be compared", () => {
    const there: [Side, unknown, Transform | undefined, boolean][] = [
      [side("Open", "1"), { id: "1", name: "Renamed" }, undefined, true],
      [side("Open", "1"), { id: "2", name: "Open" }, undefined, false],
      [side("Network"), { groupId: "g1", name: "Network" }, "group", true],
      [side("b a"), ["a", "b"], "list", true],
      [side("a"), ["a", "b"], "list", false],
      [side(null), null, undefined, true],
      [side("x"), null, undefined, false],
      [side("words"), { type: "doc" }, "adf", true],
      [side("one"), "two", "text", false],
    ];
    for (const [given, raw, transform, stands] of there)
      expect(standsThere(given, raw, transform), JSON.stringify([given, raw])).to.equal(stands);
  });
});
