import { expect } from "chai";
import { type Declarations, type ExpressionFault, expressionCompiler } from "../../core/expression.ts";
import { GROUPS } from "../../core/expression-own.ts";

const DECLARED: Declarations = {
  text: "string",
  words: "list<string>",
  number: "int",
  at: "timestamp",
  record: "record",
  person: "person",
  nested: { name: "string", inner: { count: "int", at: "timestamp" } },
};
const compile = expressionCompiler(DECLARED);

type Wanted = "bool" | "string" | "int";

function evaluate(source: string, context: Record<string, unknown>, wanted: Wanted = "bool"): unknown {
  const compiled = compile(source, wanted);
  if ("fault" in compiled) throw new Error(compiled.fault.what);
  return compiled.expression.evaluate(context);
}

function faultOf(source: string, wanted: Wanted = "bool"): ExpressionFault {
  const compiled = compile(source, wanted);
  if ("fault" in compiled) return compiled.fault;
  throw new Error(`"${source}" was taken`);
}

function readsOf(source: string): readonly string[] {
  const compiled = compile(source);
  if ("fault" in compiled) throw new Error(compiled.fault.what);
  return compiled.expression.reads;
}

describe("an expression", () => {
  describe("matches()", () => {
    it("finds as RE2 does: case, classes, boundaries, Unicode", () => {
      expect(evaluate('text.matches("(?i)vpn")', { text: "The VPN is down" })).to.equal(true);
      expect(evaluate('text.matches("^vpn")', { text: "The VPN is down" })).to.equal(false);
      expect(evaluate('text.matches("verd(ä|ae)chtig")', { text: "sehr verdächtig" })).to.equal(true);
      expect(evaluate('text.matches("\\\\bwi-?fi\\\\b")', { text: "no wifi here" })).to.equal(true);
      expect(evaluate('text.matches("[[:digit:]]{3}")', { text: "abc123" })).to.equal(true);
    });

    // Each of these takes a backtracking engine longer than anybody waits.
    const forms: readonly (readonly [string, string])[] = [
      ["a text", 'text.matches("^(a+)+$")'],
      ["a raw text", "text.matches(r'^(a|a?)+$')"],
      ["brackets", '((text + "") + "").matches("^(a+)+$")'],
      ["space and a line break", 'text\n  . matches ("^(a+)+$")'],
      ["a comment that holds the name", 'text // matches\n // matches("a")\n .matches("^(a+)+$")'],
      ["a receiver that holds the name", '(text + "matches").matches("^(a+)+$")'],
      ["a call in a call", 'words.exists(item, item.matches("^(a+)+$") || text.matches("^(a+)+$"))'],
      ["a bound variable", 'cel.bind(copy, text, copy.matches("^(a+)+$"))'],
      ["both sides", '"matches".matches("matches") && text.matches("^(a+)+$")'],
      ["an untyped value", 'dyn(text).matches("^(a+)+$")'],
    ];
    for (const [name, source] of forms) {
      it(`answers at once for 100,000 characters, written with ${name}`, () => {
        const text = `${"a".repeat(100_000)}!`;
        const startedMs = performance.now();
        expect(evaluate(source, { text, words: [text] })).to.equal(false);
        expect(performance.now() - startedMs).to.be.below(10_000);
      });
    }

    it("refuses what RE2 has not, at the pattern", () => {
      for (const pattern of ["(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(a)\\\\1", "a{2000}", "(a", "[a"]) {
        const source = `text.matches("${pattern}")`;
        const fault = faultOf(source);
        expect(fault.what, pattern).to.match(/^the pattern is refused/);
        expect(source.slice(fault.offset), pattern).to.match(/^"/);
      }
    });

    it("refuses a pattern that is computed", () => {
      for (const source of ["text.matches(text)", 'text.matches("a" + "b")', "words.all(p, text.matches(p))"])
        expect(faultOf(source).what, source).to.equal("the pattern of matches() is not written out");
    });
  });

  describe("reads", () => {
    it("are the deepest declared paths, sorted and once", () => {
      expect(
        readsOf('nested.inner.count > 1 && text == "a" && nested.inner.count < 9 && words.size() > 0'),
      ).to.deep.equal(["nested.inner.count", "text", "words"]);
    });

    it("are seen through calls, macros, conditions and has()", () => {
      expect(readsOf('has(nested.inner.at) ? words.exists(x, x == text) : nested.name.matches("a")')).to.deep.equal([
        "nested.inner.at",
        "nested.name",
        "text",
        "words",
      ]);
    });

    it("are none for a constant, and do not count variables of a macro", () => {
      expect(readsOf("1 < 2")).to.deep.equal([]);
      expect(readsOf('["a"].exists(item, item == "a")')).to.deep.equal([]);
    });
  });

  describe("values", () => {
    it("int: whole numbers compare with whole numbers, and with fractions", () => {
      expect(evaluate("number <= 2", { number: 2n })).to.equal(true);
      expect(evaluate("number < 2.5 && number == 2.0", { number: 2n })).to.equal(true);
      expect(evaluate("number * 2 + 1", { number: 4n }, "int")).to.equal(9n);
    });

    it("timestamp: compares, and adds durations", () => {
      const at = new Date("2026-03-29T00:30:00Z");
      expect(evaluate('at > timestamp("2026-03-29T01:00:00+01:00")', { at })).to.equal(true);
      expect(evaluate('at - duration("31m") < timestamp("2026-03-29T00:00:00Z")', { at })).to.equal(true);
    });

    it("has(): tells an absent value from an empty one", () => {
      expect(evaluate("has(nested.inner.at)", { nested: { name: "", inner: { count: 1n } } })).to.equal(false);
      expect(evaluate("has(nested.name)", { nested: { name: "", inner: { count: 1n } } })).to.equal(true);
    });

    it("absent: throws, so that nobody takes it for false", () => {
      const absent = { nested: { name: "", inner: { count: 1n } }, at: new Date(0) };
      expect(() => evaluate("nested.inner.at > at", absent)).to.throw(/No such key: at/);
      expect(() => evaluate("!(nested.inner.at > at)", absent)).to.throw(/No such key: at/);
    });

    it("of another type than declared: throws", () => {
      expect(() => evaluate("number > 1", { number: "2" })).to.throw();
      expect(() => evaluate('text.startsWith("a")', { text: null })).to.throw();
    });

    it("record: is read by path, and gives what its expression wants", () => {
      const record = { state: "2", nested: { value: "x" } };
      expect(evaluate('record.state == "2" ? "open" : "done"', { record }, "string")).to.equal("open");
      expect(evaluate("record.nested.value", { record }, "string")).to.equal("x");
    });

    it("are not changed by reading them", () => {
      const context = Object.freeze({ words: Object.freeze(["b", "a"]), text: "x" });
      expect(evaluate('words.map(x, x + "!").size() == 2', context)).to.equal(true);
      expect(context.words).to.deep.equal(["b", "a"]);
    });

    it("of the prototype do not exist", () => {
      const record = {};
      for (const source of ['record.constructor == "a"', 'record.__proto__ == "a"', 'record.toString == "a"'])
        expect(() => evaluate(source, { record }), source).to.throw();
    });
  });

  describe("people", () => {
    const beth = { id: "b", name: "Beth", email: "beth@example.com", [GROUPS]: ["Board Office", "VIP"] };

    it("inGroup(): tells whether one belongs to a group of exactly that name", () => {
      expect(evaluate('inGroup(person, "VIP")', { person: beth })).to.equal(true);
      expect(evaluate('inGroup(person, "vip")', { person: beth })).to.equal(false);
      expect(evaluate('inGroup(person, "VIP")', { person: { ...beth, [GROUPS]: [] } })).to.equal(false);
    });

    it("inGroup(): throws where the groups are not known", () => {
      const { [GROUPS]: _, ...unknown } = beth;
      expect(() => evaluate('inGroup(person, "VIP")', { person: unknown })).to.throw("groups is absent");
    });

    it("inGroup(): takes nothing but a person, and a person has no groups to read", () => {
      expect(faultOf('inGroup(text, "VIP")').what).to.contain("inGroup");
      expect(faultOf('person.groups.contains("VIP")')).to.include({
        what: 'person has no field "groups"',
        fix: "Use one of: id, name, email",
      });
    });
  });

  describe("faults", () => {
    const cases: readonly (readonly [string, string, RegExp, string])[] = [
      ["a field that does not exist", "nested.nmae == text", /^nested has no field "nmae"$/, "nmae == text"],
      ["a nested one", "nested.inner.cuont > 1", /^nested\.inner has no field "cuont"$/, "cuont > 1"],
      ["a variable that does not exist", "text == txt", /^there is no "txt" here$/, "txt"],
      ["types that do not go together", "number == text", /^cannot compute int == string$/, "number == text"],
      ["syntax", "text == ", /^not a valid expression/, ""],
      ["a function that does not exist", "text.foo()", /foo/, "text.foo()"],
      ["another type than wanted", "number", /^the expression gives int, not bool$/, "number"],
      ["a time without a zone", 'at > timestamp("2026-01-31T09:15:30.000")', /is not a time with a zone$/, '"2026'],
      ["a length of time in days", 'at - at > duration("3 days")', /^"3 days" is not a length of time$/, '"3 days'],
      ["a date that does not exist", 'at > timestamp("2026-13-31T09:15:30Z")', /is not a time with a zone$/, '"2026'],
      ["a zone that does not exist", 'at.getHours("Mars/North") > 1', /^there is no time zone/, '"Mars'],
    ];
    for (const [name, source, what, from] of cases) {
      it(`name ${name}, and where it stands`, () => {
        const fault = faultOf(source);
        expect(fault.what).to.match(what);
        expect(fault.fix).not.to.equal("");
        expect(source.slice(fault.offset).startsWith(from), source.slice(fault.offset)).to.equal(true);
      });
    }

    it("list the fields there are", () => {
      expect(faultOf("nested.nmae == text").fix).to.equal('Did you mean "name"? Use one of: name, inner');
      expect(faultOf("nested.inner.cuont > 1").fix).to.equal('Did you mean "count"? Use one of: count, at');
      expect(faultOf("txt == text").fix).to.equal(
        'Did you mean "text"? Start from one of: text, words, number, at, record, person, nested',
      );
    });

    it("bound the length of an expression: 4,000 characters are taken, 4,001 are not", () => {
      const of = (length: number): string => `text == "${"x".repeat(length - 10)}"`;
      expect(compile(of(4_000))).to.have.property("expression");
      expect(faultOf(of(4_001)).what).to.equal("the expression is longer than 4000 characters");
    });

    it("bound its depth and its parts, without a stack to overflow", () => {
      expect(faultOf(`${"(".repeat(1_900)}true${")".repeat(1_900)}`).what).to.match(/^not a valid expression/);
      expect(faultOf(`${"!".repeat(3_900)}true`).what).to.match(/^not a valid expression/);
    });
  });

  describe("times of day", () => {
    const ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Pacific/Apia", "Asia/Kathmandu"];
    const SOURCES = [
      "at.getDayOfYear()",
      "at.getHours()",
      'at.getHours("UTC")',
      'at.getHours("Europe/Berlin")',
      'at.getDayOfYear("America/New_York")',
      'at.getDayOfWeek("Pacific/Apia")',
      'at.getMinutes("Asia/Kathmandu")',
      'at.getDate("Europe/Berlin") * 100 + at.getMonth("Europe/Berlin")',
    ];
    // Hours that do not exist, or come twice, on somebody's clock.
    const TIMES = ["2026-03-08T02:30:00Z", "2026-03-29T02:30:00Z", "2026-11-01T01:30:00Z", "2026-12-31T23:59:59Z"];
    const before = process.env["TZ"];

    afterEach(() => {
      process.env["TZ"] = before;
    });

    it("do not depend on the zone of the machine", () => {
      const answers = ZONES.map((zone) => {
        process.env["TZ"] = zone;
        return TIMES.flatMap((time) => SOURCES.map((source) => evaluate(source, { at: new Date(time) }, "int")));
      });
      for (const answer of answers) expect(answer).to.deep.equal(answers[0]);
    });

    it("are those of the zone that is named, summer time included", () => {
      const hours = (time: string): unknown => evaluate('at.getHours("Europe/Berlin")', { at: new Date(time) }, "int");
      expect(hours("2026-03-29T00:59:59Z")).to.equal(1n);
      expect(hours("2026-03-29T01:00:00Z")).to.equal(3n);
      expect(hours("2026-10-25T00:30:00Z")).to.equal(2n);
      expect(hours("2026-10-25T01:30:00Z")).to.equal(2n);
      const at = new Date("2026-01-01T00:30:00Z");
      expect(evaluate('at.getFullYear("America/New_York")', { at }, "int")).to.equal(2025n);
      expect(evaluate('at.getDayOfYear("America/New_York")', { at }, "int")).to.equal(364n);
      expect(evaluate('at.getDayOfWeek("America/New_York")', { at }, "int"), "a Wednesday").to.equal(3n);
      expect(evaluate('at.getDayOfMonth("America/New_York")', { at }, "int"), "counts from 0").to.equal(30n);
    });
  });
});
