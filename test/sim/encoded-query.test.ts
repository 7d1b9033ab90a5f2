import { expect } from "chai";
import { compileQuery, orderRows, parseEncodedQuery, pinnedValues } from "./encoded-query.ts";

type Item = Record<string, string>;

const TYPES: Record<string, string> = { n: "integer", a: "string", b: "string", at: "date", "ref.name": "string" };
const FIELDS = {
  type: (path: string): string | undefined => TYPES[path],
  reader: (path: string) => (row: Item) => row[path] ?? "",
};

function find(text: string, rows: Item[], unknownYieldsNothing = false): string[] {
  const query = parseEncodedQuery(text);
  const test = compileQuery(query, FIELDS, unknownYieldsNothing);
  return test === undefined ? [] : orderRows(rows.filter(test), query, FIELDS).map((row) => row["id"] ?? "");
}

const ROWS: Item[] = [
  { id: "1", n: "2", a: "Printer on fire", b: "x", at: "2026-01-31 10:00:00", "ref.name": "Network" },
  { id: "2", n: "10", a: "printer jam", b: "y", at: "2026-01-31 11:00:00", "ref.name": "Desk" },
  { id: "3", n: "", a: "", b: "x", at: "", "ref.name": "" },
];

describe("encoded query", () => {
  const cases: [string, string, string[]][] = [
    ["no query finds all", "", ["1", "2", "3"]],
    ["= ignores case", "a=PRINTER JAM", ["2"]],
    ["!= includes empty", "b!=y", ["1", "3"]],
    ["numbers compare as numbers, and empty is neither", "n>3", ["2"]],
    [">= and <=", "n>=2^n<=2", ["1"]],
    ["<", "n<10", ["1"]],
    ["dates compare as text", "at>=2026-01-31 10:30:00", ["2"]],
    ["a date may be generated", "at>=javascript:gs.dateGenerate('2026-01-31','10:30:00')", ["2"]],
    ["IN takes a list", "idIN1,3^nIN2,10", ["1", "2"]],
    ["NOT IN", "bNOT INx", ["2"]],
    ["LIKE is contains", "aLIKEfire", ["1"]],
    ["NOTLIKE", "aNOTLIKEprinter", ["3"]],
    ["STARTSWITH", "aSTARTSWITHprinter", ["1", "2"]],
    ["ENDSWITH", "aENDSWITHjam", ["2"]],
    ["ISEMPTY", "aISEMPTY", ["3"]],
    ["ISNOTEMPTY", "aISNOTEMPTY", ["1", "2"]],
    ["BETWEEN", "nBETWEEN1@5", ["1"]],
    ["ANYTHING", "aANYTHING", ["1", "2", "3"]],
    ["SAMEAS compares two fields", "aSAMEASa", ["1", "2", "3"]],
    ["a dotted field", "ref.name=Network", ["1"]],
    ["^EQ ends a query and means nothing", "b=x^EQ", ["1", "3"]],
    ["ORDERBYDESC", "ORDERBYDESCn", ["2", "1", "3"]],
    ["several orders", "ORDERBYb^ORDERBYDESCa", ["1", "3", "2"]],
  ];
  for (const [what, query, ids] of cases) {
    it(what, () => expect(find(query, ROWS)).to.deep.equal(ids));
  }

  it("binds ^OR to the condition right before it only", () => {
    // b = x AND (n = 2 OR n = 10), not (b = x AND n = 2) OR n = 10
    expect(find("b=x^n=2^ORn=10", ROWS)).to.deep.equal(["1"]);
    expect(find("b=y^n=2^ORn=10", ROWS)).to.deep.equal(["2"]);
  });

  it("starts another query at ^NQ, whose rows are added", () => {
    expect(find("b=x^n=2^NQb=y", ROWS)).to.deep.equal(["1", "2"]);
  });

  it("widens silently on an unknown field, unless told to yield nothing", () => {
    expect(find("asignment=Network", ROWS)).to.deep.equal(["1", "2", "3"]);
    expect(find("b=y^asignment=Network", ROWS)).to.deep.equal(["2"]);
    expect(find("b=y^asignment=Network", ROWS, true)).to.deep.equal([]);
  });

  it("has no escape: a caret in a value begins another condition", () => {
    expect(find("a=nobody^ORb=y", ROWS)).to.deep.equal(["2"]);
  });

  it("knows when a query can be answered from an index", () => {
    expect(pinnedValues(parseEncodedQuery("idINa,b^n=1"), "id")).to.deep.equal(new Set(["a", "b"]));
    expect(pinnedValues(parseEncodedQuery("id=a^NQid=b"), "id")).to.deep.equal(new Set(["a", "b"]));
    expect(pinnedValues(parseEncodedQuery("id=a^ORn=1"), "id")).to.equal(undefined);
    expect(pinnedValues(parseEncodedQuery("id=a^NQn=1"), "id")).to.equal(undefined);
  });
});
