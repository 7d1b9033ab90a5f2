import { expect } from "chai";
import fc from "fast-check";
import {
  pathsRead,
  readBoolean,
  readHtml,
  readInstant,
  readInteger,
  readList,
  readPerson,
  readReference,
  readSeconds,
  readText,
  TRANSFORMS,
  UnreadableValueError,
  writeValue,
} from "../../../core/mapping/transforms.ts";

function instantOf(value: unknown): string | undefined {
  return readInstant({ at: value }, "at");
}

describe("dates", () => {
  it("ServiceNow's form is UTC by contract", () => {
    expect(instantOf("2026-03-02 08:15:00")).to.equal("2026-03-02T08:15:00.000Z");
  });

  it("Jira's form carries its offset without a colon", () => {
    expect(instantOf("2026-03-02T10:15:30.123+0100")).to.equal("2026-03-02T09:15:30.123Z");
    expect(instantOf("2026-03-02T10:15:30.123-0930")).to.equal("2026-03-02T19:45:30.123Z");
    expect(instantOf("2026-03-02T10:15:30.000+0000")).to.equal("2026-03-02T10:15:30.000Z");
  });

  it("ISO 8601 with Z or an offset is taken", () => {
    expect(instantOf("2026-03-02T10:15:30Z")).to.equal("2026-03-02T10:15:30.000Z");
    expect(instantOf("2026-03-02T10:15:30.5+05:45")).to.equal("2026-03-02T04:30:30.500Z");
  });

  it("empty is absent", () => {
    for (const empty of ["", null, undefined]) expect(instantOf(empty)).to.equal(undefined);
  });

  const refused: readonly (readonly [string, unknown])[] = [
    ["floating, with a T", "2026-03-02T10:15:30"],
    ["floating, with milliseconds", "2026-03-02T10:15:30.123"],
    ["a day alone", "2026-03-02"],
    ["a German day", "02.03.2026"],
    ["an ambiguous day with an offset", "02.03.2026 10:00 +01:00"],
    ["English", "March 7 2026 Z"],
    ["a word that ends like an offset", "Service desk 2005-1200"],
    ["a day that does not exist", "2026-02-30 08:15:00"],
    ["a day that does not exist, in Jira's form", "2026-02-30T08:15:00.000+0000"],
    ["an hour that does not exist", "2026-03-02 25:15:00"],
    ["month 13", "2026-13-01 08:15:00"],
    ["zeros", "0000-00-00 00:00:00"],
    ["a number", 1_772_439_300],
    ["an object", { value: "2026-03-02 08:15:00" }],
  ];
  for (const [name, value] of refused) {
    it(`refused: ${name}`, () => {
      expect(() => instantOf(value)).to.throw(UnreadableValueError);
    });
  }

  it("do not depend on summer time or on the zone of the machine", () => {
    const before = process.env["TZ"];
    // The hours that Berlin and New York leave out or have twice.
    const times = ["2026-03-29 02:30:00", "2026-10-25 02:30:00", "2026-03-08 02:30:00", "2026-11-01 01:30:00"];
    try {
      for (const zone of ["Europe/Berlin", "America/New_York", "Pacific/Apia", "UTC"]) {
        process.env["TZ"] = zone;
        for (const time of times) {
          expect(instantOf(time), zone).to.equal(`${time.replace(" ", "T")}.000Z`);
          expect(instantOf(`${time.replace(" ", "T")}.000+0000`), zone).to.equal(`${time.replace(" ", "T")}.000Z`);
        }
      }
    } finally {
      process.env["TZ"] = before;
    }
  });

  it("both forms of one instant are one instant (property)", () => {
    const second = fc.date({ min: new Date(0), max: new Date("2099-12-31"), noInvalidDate: true });
    fc.assert(
      fc.property(second, fc.integer({ min: -14 * 60, max: 14 * 60 }), (date, offsetMinutes) => {
        const at = new Date(Math.floor(date.getTime() / 1_000) * 1_000);
        const local = new Date(at.getTime() + offsetMinutes * 60_000).toISOString().slice(0, 23);
        const sign = offsetMinutes < 0 ? "-" : "+";
        const [hours, minutes] = [Math.floor(Math.abs(offsetMinutes) / 60), Math.abs(offsetMinutes) % 60];
        const two = (number: number): string => String(number).padStart(2, "0");
        expect(instantOf(at.toISOString().slice(0, 19).replace("T", " "))).to.equal(at.toISOString());
        expect(instantOf(`${local}${sign}${two(hours)}${two(minutes)}`)).to.equal(at.toISOString());
      }),
    );
  });

  it("whatever is read is an instant of ours or refused (property)", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."0123456789-: TZ+.") })), (text) => {
        try {
          expect(instantOf(text) ?? "1970-01-01T00:00:00.000Z").to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        } catch (error) {
          expect(error).to.be.instanceOf(UnreadableValueError);
        }
      }),
    );
  });
});

describe("durations", () => {
  const cases: readonly (readonly [unknown, number | undefined])[] = [
    ["1970-01-01 00:01:30", 90],
    ["1970-01-02 00:00:00", 86_400],
    ["1970-01-01 00:00:00", 0],
    ["90", 90],
    [90, 90],
    ["", undefined],
    [null, undefined],
  ];
  for (const [value, seconds] of cases) {
    it(`${JSON.stringify(value)} is ${String(seconds)} seconds`, () => {
      expect(readSeconds({ x: value }, "x")).to.equal(seconds);
    });
  }

  it("that are none are refused", () => {
    for (const value of ["1h", "-", 1.5, {}, "1970-01-01"])
      expect(() => readSeconds({ x: value }, "x"), String(value)).to.throw(UnreadableValueError);
  });
});

describe("numbers", () => {
  const cases: readonly (readonly [unknown, number | undefined])[] = [
    ["5", 5],
    [5, 5],
    ["499.01", 500],
    ["499.00", 499],
    ["EUR;1200.50", 1_201],
    ["USD 5", 5],
    [" 5 ", 5],
    ["-3", -3],
    ["-0.5", 0],
    ["", undefined],
    [null, undefined],
  ];
  for (const [value, number] of cases) {
    it(`${JSON.stringify(value)} is ${String(number)}, rounded up`, () => {
      const read = readInteger({ x: value }, "x");
      expect(read).to.equal(number);
      expect(Object.is(read, -0)).to.equal(false);
    });
  }

  it("that are none are refused, never taken for 0", () => {
    const refused = [
      "a lot",
      "a lot ",
      "EUR;",
      ";",
      " ",
      "12 pieces",
      "0x10",
      "1e3",
      "Infinity",
      "1,200.50",
      "$5",
      "9007199254740993",
      {},
      [5],
    ];
    for (const value of refused)
      expect(() => readInteger({ x: value }, "x"), JSON.stringify(value)).to.throw(UnreadableValueError);
  });
});

describe("yes and no", () => {
  it("are true and false in any case, and nothing else", () => {
    expect(["true", "FALSE", true, false, ""].map((value) => readBoolean({ x: value }, "x"))).to.deep.equal([
      true,
      false,
      true,
      false,
      undefined,
    ]);
    for (const value of ["1", "0", "yes", 1])
      expect(() => readBoolean({ x: value }, "x"), String(value)).to.throw(UnreadableValueError);
  });
});

describe("html", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["paragraphs", "<p>a</p><p>b &amp; c</p>", "a\n\nb & c"],
    ["breaks", "a<br>b", "a\nb"],
    ["markup", "<b>a</b> <i>b</i>", "a b"],
    ["scripts and styles", "<script>alert(1)</script><style>p{}</style>a", "a"],
    ["images", 'a<img src="data:image/png;base64,xyz">b', "ab"],
    ["broken markup", "<p>a<b>b</p", "ab"],
    ["plain text", "a < b", "a < b"],
    ["nothing", "", ""],
  ];
  for (const [name, html, text] of cases) {
    it(`${name} become plain text`, () => {
      expect(readHtml({ x: html }, "x")).to.equal(text);
    });
  }

  it("is bounded: nesting without end, and a megabyte of text", () => {
    expect(readHtml({ x: `${"<div>".repeat(50_000)}a` }, "x").length).to.be.at.most(1);
    expect(readHtml({ x: "a ".repeat(1_000_000) }, "x").length).to.be.at.most(500_000);
  });
});

describe("lists", () => {
  it("are lists of the vendor, or texts with commas", () => {
    expect(readList({ x: ["a", "", "b"] }, "x")).to.deep.equal(["a", "b"]);
    expect(readList({ x: " a, b ,,c" }, "x")).to.deep.equal(["a", "b", "c"]);
    expect(readList({ x: null }, "x")).to.deep.equal([]);
    expect(() => readList({ x: [{}] }, "x")).to.throw(UnreadableValueError);
  });
});

describe("references", () => {
  it("ServiceNow's have their name in a dotted field beside them", () => {
    const record = { ci: "sys1", "ci.name": "vpn-01", "ci.email": "x@example.com" };
    expect(readReference(record, "ci")).to.deep.equal({ id: "sys1", name: "vpn-01" });
    expect(readPerson(record, "ci")).to.deep.equal({ id: "sys1", name: "vpn-01", email: "x@example.com" });
    expect(readReference({ ci: "sys1" }, "ci"), "without a name, its id").to.deep.equal({ id: "sys1", name: "sys1" });
    expect(readReference({ ci: "", "ci.name": "left over" }, "ci")).to.deep.equal({ id: "", name: "" });
  });

  it("Jira's are objects", () => {
    expect(readReference({ g: { groupId: "g1", name: "Network" } }, "g")).to.deep.equal({ id: "g1", name: "Network" });
    const user = { accountId: "a1", displayName: "Maria", emailAddress: "m@example.com" };
    expect(readPerson({ u: user }, "u")).to.deep.equal({ id: "a1", name: "Maria", email: "m@example.com" });
    expect(readPerson({ u: { accountId: "a1", displayName: "Maria" } }, "u").email, "hidden").to.equal("");
    expect(readPerson({ u: null }, "u")).to.deep.equal({ id: "", name: "", email: "" });
    const named = { key: "JIRAUSER10100", name: "maria", displayName: "Maria", emailAddress: "m@example.com" };
    expect(readPerson({ u: named }, "u"), "of a Data Center").to.include({ id: "JIRAUSER10100", name: "maria" });
  });

  it("that cannot be told are unreadable, and are not taken for none", () => {
    const assets = [{ workspaceId: "w", id: "w:12", objectId: "12" }];
    for (const odd of [assets, { objectId: ["12"] }])
      expect(() => readReference({ ci: odd }, "ci")).to.throw(UnreadableValueError);
    for (const none of [[], {}, null, undefined, ""])
      expect(readReference({ ci: none }, "ci")).to.deep.equal({ id: "", name: "" });
  });

  it("say which paths they need", () => {
    expect(pathsRead("group", "a")).to.deep.equal(["a", "a.name"]);
    expect(pathsRead("ci", "a")).to.deep.equal(["a", "a.name"]);
    expect(pathsRead("user", "a")).to.deep.equal(["a", "a.name", "a.email"]);
    for (const other of TRANSFORMS.filter((each) => !["group", "ci", "user"].includes(each)))
      expect(pathsRead(other, "a"), other).to.deep.equal(["a"]);
  });
});

describe("texts", () => {
  it("are texts, numbers and truth values; anything with parts is refused", () => {
    expect(["a", 1, true, null, undefined].map((x) => readText({ x }, "x"))).to.deep.equal(["a", "1", "true", "", ""]);
    for (const value of [{}, [], () => "x"]) expect(() => readText({ x: value }, "x")).to.throw(UnreadableValueError);
  });
});

describe("a value on its way to the vendor", () => {
  it("says what it is, where its connector has to look it up or render it", () => {
    expect(writeValue("group", "Network")).to.deep.equal({ group: "Network" });
    expect(writeValue("user", "m@example.com")).to.deep.equal({ user: "m@example.com" });
    expect(writeValue("datetime", "2026-03-02T08:15:00.000Z")).to.deep.equal({ instant: "2026-03-02T08:15:00.000Z" });
    expect(writeValue("duration", 90)).to.deep.equal({ seconds: 90 });
    expect(writeValue("adf", "a")).to.deep.equal({ adf: "a" });
    expect(writeValue("text", 3)).to.equal("3");
    expect(writeValue("boolean", true)).to.equal(true);
  });

  it("is escaped where it becomes markup", () => {
    expect(writeValue("html", '<script>"a" & b</script>')).to.equal(
      "&lt;script&gt;&quot;a&quot; &amp; b&lt;/script&gt;",
    );
  });
});
