import { expect } from "chai";
import fc from "fast-check";
import { encodedQuery, holds, type Query } from "../../../connectors/servicenow/query.ts";
import { ConnectorError } from "../../../core/errors.ts";
import { parseEncodedQuery } from "../../sim/encoded-query.ts";

const encoded = (...where: Query["where"]): string => encodedQuery("snow", { where });
const refusedOf = (...where: Query["where"]): ConnectorError => {
  try {
    return expect.fail(`it was encoded as ${encoded(...where)}`);
  } catch (error) {
    if (error instanceof ConnectorError) return error;
    throw error;
  }
};

describe("ServiceNow queries", () => {
  it("are conditions that must all hold, alternatives, and an order", () => {
    const query: Query = {
      where: [
        { field: "sys_updated_on", is: ">=", value: "2026-01-31 10:00:00" },
        {
          any: [
            { field: "sys_updated_on", is: ">", value: "2026-01-31 10:00:00" },
            { field: "sys_id", is: ">", value: "abc" },
          ],
        },
        { field: "caller_id.email", in: ["a@example.com", "b@example.com"] },
        { field: "number", between: ["INC1", "INC9"] },
        { field: "close_code", filled: true },
      ],
      order: [{ field: "sys_updated_on" }, { field: "sys_id", descending: true }],
    };
    expect(encodedQuery("snow", query)).to.equal(
      "sys_updated_on>=2026-01-31 10:00:00^sys_updated_on>2026-01-31 10:00:00^ORsys_id>abc" +
        "^caller_id.emailINa@example.com,b@example.com^numberBETWEENINC1@INC9^close_codeISNOTEMPTY^ORDERBYsys_updated_on^ORDERBYDESCsys_id",
    );
  });

  const refused: readonly (readonly [string, Query["where"][number]])[] = [
    ["a ^ in a value", { field: "name", is: "=", value: "Network^active=false" }],
    ["a line feed in a value", { field: "name", is: "=", value: "a\nb" }],
    ["a carriage return in a value", { field: "name", is: "LIKE", value: "a\rb" }],
    ["a null character in a value", { field: "name", is: "=", value: "a\0b" }],
    ["a script", { field: "name", is: "=", value: "javascript:gs.getUserID()" }],
    ["a script in other letters", { field: "name", is: "=", value: "  JavaScript :1" }],
    ["a script in a list", { field: "name", in: ["a", "javascript:gs.getUserID()"] }],
    ["a comma in a list", { field: "name", in: ["a,b"] }],
    ["a ^ in a list", { field: "name", in: ["a", "b^ORname=c"] }],
    ["an empty item of a list", { field: "name", in: ["a", ""] }],
    ["an empty list", { field: "name", in: [] }],
    ["an @ in a range", { field: "email", between: ["a@example.com", "b"] }],
    ["a ^ in a range", { field: "email", between: ["a", "b^c=d"] }],
    ["a value that makes another operator", { field: "priority", is: ">", value: "=1" }],
    ["a field that is none", { field: "name=a^x", is: "=", value: "b" }],
    ["a field in letters that operators are made of", { field: "nameIN", is: "=", value: "b" }],
    ["a ^ in an alternative", { any: [{ field: "name", is: "=", value: "a^b" }] }],
  ];
  for (const [what, condition] of refused) {
    it(`refuse ${what}`, () => {
      const fault = refusedOf(condition);
      expect(fault).to.include({ kind: "rejected", connection: "snow", outcome: "not_applied" });
      expect(fault.message, "a name may be personal").to.not.match(/Network|example|getUserID/);
    });
  }

  it("are read by the instance as what was meant, or refused: no value becomes a condition", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.constantFrom("=" as const, ">" as const, "LIKE" as const),
        (value, is) => {
          let text: string;
          try {
            text = encoded({ field: "name", is, value }, { field: "active", is: "=", value: "true" });
          } catch {
            return;
          }
          expect(parseEncodedQuery(text)).to.deep.equal({
            groups: [[[{ field: "name", operator: is, value }], [{ field: "active", operator: "=", value: "true" }]]],
            order: [],
          });
        },
      ),
      {
        numRuns: 500,
        examples: [
          ["a^b=c", "="],
          ["^NQactive=true", "="],
          ["=1", ">"],
          ["ORDERBYname", "LIKE"],
        ],
      },
    );
  });
});

describe("a row meets a query", () => {
  const row = {
    name: "Network ",
    priority: "10",
    on: "2026-01-31 10:00:00",
    group: { link: "https://x/1", value: "g1" },
    empty: "",
  };
  const meets = (...where: Query["where"]): boolean => holds({ where }, row);

  it("as the instance's database compares: by any case, numbers by value, references by their id", () => {
    expect(meets({ field: "name", is: "=", value: "network" })).to.equal(true);
    expect(meets({ field: "name", is: "LIKE", value: "TWO" })).to.equal(true);
    expect(meets({ field: "name", is: "STARTSWITH", value: "work" })).to.equal(false);
    expect(meets({ field: "priority", is: ">", value: "9" })).to.equal(true);
    expect(meets({ field: "priority", is: "<", value: "9" })).to.equal(false);
    expect(meets({ field: "priority", is: "<=", value: "10" })).to.equal(true);
    expect(meets({ field: "priority", is: "!=", value: "10" })).to.equal(false);
    expect(meets({ field: "on", is: ">=", value: "2026-01-31 10:00:00" })).to.equal(true);
    expect(meets({ field: "on", between: ["2026-01-31 10:00:01", "2026-02-01 00:00:00"] })).to.equal(false);
    expect(meets({ field: "group", in: ["g2", "g1"] })).to.equal(true);
    expect(meets({ field: "group", in: ["g2"] })).to.equal(false);
    expect(meets({ field: "empty", is: "=", value: "" })).to.equal(true);
    expect(meets({ field: "empty", filled: true })).to.equal(false);
    expect(meets({ field: "group", filled: true })).to.equal(true);
  });

  it("only with every condition, and with one of alternatives", () => {
    const [yes, no] = [
      { field: "priority", is: "=", value: "10" } as const,
      { field: "priority", is: "=", value: "1" } as const,
    ];
    expect(meets(yes, no)).to.equal(false);
    expect(meets({ any: [no, yes] })).to.equal(true);
    expect(meets({ any: [no] })).to.equal(false);
  });

  it("never by a field that it does not show: that is how an unknown one looks", () => {
    for (const is of ["=", "!=", "<", "LIKE"] as const)
      expect(meets({ field: "u_no_such_field", is, value: "" }), is).to.equal(false);
  });
});
