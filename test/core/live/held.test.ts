import { expect } from "chai";
import fc from "fast-check";
import type { LiveAnswer, LiveAnswers, LiveQuestion, RecordAnswer, Standing } from "../../../core/live/answer.ts";
import { heldAgainst } from "../../../core/live/held.ts";
import { type Named, namedIn, questionFor } from "../../../core/live/questions.ts";
import { renderProblem } from "../../../core/problem.ts";
import { configOf, edited, FOLDERS, filesOf, JIRA, ROUTING, SNOW, SOUND, type Texts } from "../support/config-files.ts";

interface Says {
  /** Standing of names; every other is active. */
  stand?: Readonly<Record<string, Standing>>;
  similar?: readonly string[];
  /** Vendor path → offered choices. */
  lists?: Readonly<Record<string, readonly string[]>>;
  retired?: readonly string[];
  unknownFields?: readonly string[];
  gone?: RecordAnswer["gone"];
}

function answerOf(question: LiveQuestion, says: Says): LiveAnswer {
  const { stand = {}, similar = [], lists = {}, retired = [], gone } = says;
  const roll = (names: readonly string[]) => {
    return { standing: new Map(names.map((name): [string, Standing] => [name, stand[name] ?? "active"])), similar };
  };
  const record: RecordAnswer = {
    ...(gone && { gone }),
    fields: { unknown: new Set(says.unknownFields ?? []), similar: [], hint: "Write a field that is there" },
    lists: new Map(Object.entries(lists).map(([path, offered]) => [path, { offered, retired }])),
  };
  return {
    groups: roll(question.groups),
    people: roll(question.people),
    mentions: roll(question.mentions),
    records: new Map(question.records.map((each) => [each.record, record])),
    unseen: [],
  };
}

function namedOf(texts: Texts): Named {
  return namedIn(filesOf(texts), FOLDERS, configOf(texts)) ?? expect.fail("the texts cannot be read");
}

/** What is found where the systems say this; undefined: a system does not answer. */
function held(of: Texts | Named, says: { snow?: Says | undefined; jira?: Says | undefined }) {
  const named = "parties" in of ? (of as Named) : namedOf(of as Texts); // told apart by a key that no path is
  const answers: LiveAnswers = new Map(
    named.connections.map((connection) => {
      const said = connection === "snow" ? says.snow : says.jira;
      return [connection, said && answerOf(questionFor(named, connection), said)];
    }),
  );
  const { problems, open, counts } = heldAgainst(named, answers);
  return { lines: problems.map(renderProblem), open, counts };
}

const UNKNOWN: Says = { stand: { "Senior Engineers": "unknown" }, similar: ["Senior Engineer"] };
const PLACE = "config/policy/routing.yaml:5:30 rules.0.then.assign.group";

describe("names held against the live systems", () => {
  it("are fine where one system knows them", () => {
    expect(held(SOUND, { snow: UNKNOWN, jira: {} })).to.deep.include({ lines: [], open: 0 });
  });

  it("are wrong where none does", () => {
    expect(held(SOUND, { snow: UNKNOWN, jira: UNKNOWN }).lines).to.deep.equal([
      `${PLACE}: no group is known as "Senior Engineers" in snow or jira. Did you mean "Senior Engineer"? Name one that is there, or create it.`,
    ]);
  });

  it("are left open where a system that may know them does not answer", () => {
    expect(held(SOUND, { snow: UNKNOWN, jira: undefined })).to.deep.include({ lines: [], open: 1 });
    expect(held(SOUND, { snow: {}, jira: undefined })).to.deep.include({ lines: [], open: 0 });
  });

  it("are wrong where the only system whose tickets they are for does not know them", () => {
    const texts = edited(SOUND, ROUTING, 'ticket.kind == "incident"', 'ticket.connection == "snow"');
    expect(held(texts, { snow: UNKNOWN, jira: {} }).lines).to.have.length(1);
    expect(held(texts, { snow: UNKNOWN, jira: undefined }).lines).to.have.length(1);
    expect(held(texts, { snow: {}, jira: UNKNOWN }).lines).to.deep.equal([]);
  });

  const standings: [Standing, RegExp][] = [
    ["inactive", /the group "Senior Engineers" is not active in snow\. Name one that is/],
    ["several", /"Senior Engineers" is the name of several active groups in snow\. Rename all but one/],
    ["unaskable", /"Senior Engineers" has a character in it that no question to snow can carry/],
  ];
  for (const [standing, message] of standings)
    it(`are wrong where they stand as ${standing}`, () => {
      const { lines } = held(SOUND, { snow: { stand: { "Senior Engineers": standing } }, jira: UNKNOWN });
      expect(lines).to.have.length(1);
      expect(lines[0]).to.match(message);
    });

  it("may be the options of a field, where a site keeps its groups so", () => {
    const texts = edited(
      SOUND,
      JIRA,
      "{ from: customfield_10101 }",
      "{ from: customfield_10101.value, transform: text }",
    );
    const options = (...offered: string[]): Says => ({ ...UNKNOWN, lists: { "customfield_10101.value": offered } });
    expect(held(texts, { snow: UNKNOWN, jira: options("Senior Engineers") }).lines).to.deep.equal([]);
    expect(held(texts, { snow: UNKNOWN, jira: options("Others") }).lines).to.have.length(1);
    // A field that takes any text takes any group.
    expect(held(texts, { snow: UNKNOWN, jira: UNKNOWN }).lines).to.deep.equal([]);
  });

  it("of an intake are wrong only where none of them is there", () => {
    const texts = edited(SOUND, SNOW, "intake: [Service Desk]", "intake: [Service Desk, Front Office]");
    const stand = { "Front Office": "unknown" } as const;
    expect(held(texts, { snow: { stand }, jira: {} }).lines).to.deep.equal([]);
    const neither = { stand: { ...stand, "Service Desk": "unknown" } as const };
    expect(held(texts, { snow: neither, jira: {} }).lines).to.deep.equal([
      'mappings/snow.yaml:8:46 fields.assignmentGroup.intake: no group is known as "Service Desk" in snow. Name one that is there, or create it.',
    ]);
  });

  it("are never blamed for what a system did not say, whatever it says of the others", () => {
    const standing = fc.constantFrom<Standing>("active", "inactive", "several", "unknown", "unaskable");
    const says = fc.option(
      fc.record({ stand: fc.record({ "Senior Engineers": standing, "Service Desk": standing }) }),
      {
        nil: undefined,
      },
    );
    const named = namedOf(SOUND);
    fc.assert(
      fc.property(says, says, (snow, jira) => {
        const { lines } = held(named, { snow, jira });
        const both = [snow, jira].every((said) => said?.stand["Senior Engineers"] !== undefined);
        const all = [snow, jira].map((said) => said?.stand["Senior Engineers"]);
        const blamed = lines.some((line) => line.startsWith(PLACE));
        const fine = all.includes("active") && !all.includes("several");
        expect(blamed).to.equal(all.includes("several") || (both && !fine));
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("choices held against the live lists", () => {
  const states = (...offered: string[]): Says => ({ lists: { state: offered } });

  it("that a mapping knows and nobody has are harmless, unless one is missing that they may have been meant for", () => {
    expect(held(SOUND, { snow: states("1"), jira: {} }).lines).to.deep.equal([]);
    expect(held(SOUND, { snow: states("1", "22"), jira: {} }).lines).to.deep.equal([
      'mappings/snow.yaml:5:46 fields.status.values.2: "2" is no choice of state in incident of snow. Choices that the mapping does not know: 22.',
    ]);
    expect(held(SOUND, { snow: { ...states("1", "22"), retired: ["2"] }, jira: {} }).lines).to.deep.equal([]);
  });

  const PHONE = { lists: { contact_type: ["phone", "email"] } };

  it("that a rule compares with are wrong where no record type can have them", () => {
    expect(held(SOUND, { snow: PHONE, jira: {} }).lines).to.deep.equal([]);
    const texts = edited(SOUND, ROUTING, '== "phone"', '== "fone"');
    expect(held(texts, { snow: PHONE, jira: {} }).lines).to.deep.equal([
      'config/policy/routing.yaml:8:40 rules.1.when: "fone" is no choice of custom.contactType in incident of snow. Did you mean "phone"? It is one of: phone, email.',
    ]);
    expect(held(texts, { snow: { lists: PHONE.lists, retired: ["fone"] }, jira: {} }).lines).to.deep.equal([]);
    expect(held(texts, { snow: {}, jira: {} }).lines, "without a list any value will do").to.deep.equal([]);
    expect(held(texts, { snow: undefined, jira: {} })).to.deep.include({ lines: [], open: 2 });
  });

  it("that a rule sets must be offered now", () => {
    const texts = edited(SOUND, ROUTING, "{ leave: true }", "{ set: { category: network } }");
    const category = { lists: { category: ["Network"] } };
    expect(held(texts, { snow: { lists: { category: ["network"] } }, jira: {} }).lines).to.deep.equal([]);
    for (const snow of [category, { ...category, retired: ["network"] }])
      expect(held(texts, { snow, jira: {} }).lines).to.deep.equal([
        'config/policy/routing.yaml:9:30 rules.1.then.set.category: "network" is no choice of category in incident of snow. Did you mean "Network"? It is one of: Network.',
      ]);
  });

  it("that a rule may have written are wrong where they are not offered", () => {
    const texts = edited(SOUND, ROUTING, "{ leave: true }", "{ set: { priority: 2 } }");
    const says = { lists: { "priority.name": ["Hihg", "Low"] } };
    expect(held(SOUND, { snow: {}, jira: { lists: { "priority.name": ["Low"] } } }).lines).to.deep.equal([]);
    expect(held(texts, { snow: {}, jira: says }).lines).to.deep.equal([
      'mappings/jira.yaml:6:46 fields.priority.values.High: a rule may write "High", which is no choice of priority.name in OPS of jira. Did you mean "Hihg"? It is one of: Hihg, Low.',
    ]);
  });
});

describe("vendor fields held against the live systems", () => {
  it("are wrong where a record type does not have them", () => {
    const { lines, counts } = held(SOUND, { snow: { unknownFields: ["state"] }, jira: {} });
    expect(lines).to.deep.equal([
      "mappings/snow.yaml:5:19 fields.status.from: state is no field of incident of snow. Write a field that is there.",
    ]);
    expect(counts.fields).to.be.above(10);
  });

  it("of a table that is not there are not blamed one by one", () => {
    const gone = { what: "there is no such table", fix: "Correct records of the connection" };
    const { lines, open } = held(SOUND, { snow: { gone, unknownFields: ["state"] }, jira: {} });
    expect(lines).to.deep.equal([
      "config/interlock.yaml:10:16 connections.snow.records.incident: there is no such table. Correct records of the connection.",
    ]);
    expect(open).to.equal(0);
  });
});
