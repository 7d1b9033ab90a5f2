import { expect } from "chai";
import fc from "fast-check";
import type { ANSWER_REFUSALS, Eligible, GivenAnswer, Seat } from "../../../core/gates/answer.ts";
import { canBeGranted, type GateMemory, judgeGate } from "../../../core/gates/gate.ts";
import { ROUND } from "../support/rounds.ts";

const ASKED_MS = Date.parse("2026-03-02T09:00:00.000Z");
const HOUR = 3_600_000;

const CONTEXT = { requesterId: "rita", ownIds: new Set(["bot"]), nowMs: ASKED_MS + HOUR };

/** Ann and Ben are of the board, Cid is named himself, Dan stands in for Ann, Eve has left. */
const ELIGIBLE: Eligible = {
  people: new Map<string, readonly Seat[]>([
    ["ann", ["group:Board"]],
    ["ben", ["group:Board"]],
    ["rita", ["group:Board"]],
    ["bot", ["group:Board"]],
    ["cid", ["person:cid"]],
    ["eve", ["group:Board"]],
  ]),
  delegates: new Map([["dan", new Set(["ann", "cid"])]]),
  inactive: new Set(["eve"]),
};

function answer(by: string, given: Partial<GivenAnswer> = {}): GivenAnswer {
  return {
    id: `row-${by}`,
    decision: "approved",
    approverId: by,
    answeredById: by,
    atMs: ASKED_MS + HOUR / 2,
    ...given,
  };
}

function judged(
  given: readonly GivenAnswer[],
  gate: Partial<Pick<GateMemory, "groups" | "people" | "need">> = {},
  context: Partial<typeof CONTEXT> = {},
  memory = ROUND,
): GateMemory {
  return judgeGate({ ...memory, ...gate }, given, { eligible: ELIGIBLE, context: { ...CONTEXT, ...context } });
}

const reasonOf = (given: GivenAnswer, context = {}): string | null | undefined =>
  judged([given], {}, context).answers[0]?.refused;

describe("a gate", () => {
  it("waits while nobody has answered, and is over when its time is up", () => {
    expect(judged([]).state).to.equal("requested");
    expect(judged([], {}, { nowMs: ASKED_MS + 24 * HOUR }).state).to.equal("expired");
  });

  it("is granted by a member of the group, by a person who is named, and by a delegate of one", () => {
    expect(judged([answer("ann")]).state).to.equal("granted");
    expect(judged([answer("cid")], { groups: [], people: ["cid"] }).state).to.equal("granted");
    expect(judged([answer("dan", { approverId: "ann" })]).state).to.equal("granted");
  });

  it("is refused by one rejection, whoever approved besides", () => {
    expect(judged([answer("ann"), answer("ben", { decision: "rejected" })], { need: 2 }).state).to.equal("refused");
  });

  it("needs so many different people, and nobody counts twice", () => {
    const twice = [answer("ann"), answer("ann", { id: "row-2" })];
    expect(judged(twice, { need: 2 }).state).to.equal("requested");
    expect(judged([...twice, answer("ben")], { need: 2 }).state).to.equal("granted");
    const forTwo = [answer("dan", { approverId: "ann" }), answer("dan", { id: "row-2", approverId: "cid" })];
    expect(judged(forTwo, { need: 2, people: ["cid"] }).state).to.equal("requested");
  });

  it("all: needs everybody who may answer, each by another person", () => {
    const gate = { people: ["cid"], need: "all" as const };
    expect(judged([answer("ann"), answer("ben")], gate).state).to.equal("requested");
    expect(judged([answer("ann"), answer("ben"), answer("cid")], gate).state).to.equal("granted");
    expect(judged([answer("dan", { approverId: "ann" }), answer("ben"), answer("cid")], gate).state).to.equal(
      "granted",
    );
    const twice = [answer("dan", { approverId: "ann" }), answer("dan", { id: "row-2", approverId: "cid" })];
    expect(judged([...twice, answer("ben")], gate).state).to.equal("requested");
  });

  it("a share: needs so many of those who may answer, rounded up", () => {
    expect(judged([answer("ann")], { need: "34%" }).state).to.equal("requested");
    expect(judged([answer("ann")], { need: "33%" }).state).to.equal("granted");
    expect(judged([answer("ann"), answer("ben")], { need: "60%" }).state).to.equal("granted");
  });

  it("could never be granted where too few are left who may answer", () => {
    const can = (need: GateMemory["need"], eligible = ELIGIBLE): boolean =>
      canBeGranted({ groups: ["Board"], people: ["cid"], need }, eligible, CONTEXT);
    expect([can("any"), can("all"), can("one-of-each"), can("100%"), can(3), can(4)]).to.deep.equal([
      true,
      true,
      true,
      true,
      true,
      false,
    ]);
    const left = new Map([...ELIGIBLE.people].filter(([id]) => ["eve", "rita", "bot"].includes(id)));
    for (const need of ["any", "all", "one-of-each", "1%", 1] as const)
      expect(can(need, { ...ELIGIBLE, people: left })).to.equal(false);
  });

  it("one-of-each: needs everybody who is named and one of each group, each of them another person", () => {
    const gate = { groups: ["Board"], people: ["cid"], need: "one-of-each" as const };
    expect(judged([answer("ann"), answer("ben")], gate).state).to.equal("requested");
    expect(judged([answer("ann"), answer("cid")], gate).state).to.equal("granted");
    expect(judged([answer("dan", { approverId: "ann" }), answer("ben")], gate).state).to.equal("requested");
    expect(judged([answer("dan", { approverId: "cid" }), answer("ben")], gate).state).to.equal("granted");
  });

  it("stays as it was decided, whatever is answered later", () => {
    for (const state of ["granted", "refused", "expired"] as const) {
      const over = { ...ROUND, state };
      expect(judged([answer("ann", { decision: "rejected" })], {}, {}, over)).to.deep.equal(over);
    }
  });

  it("keeps what was answered although its row is gone", () => {
    const seen = judged([answer("eve")]);
    expect(judged([], {}, {}, seen).answers).to.deep.equal(seen.answers);
  });
});

describe("an answer does not count", () => {
  const cases: Record<(typeof ANSWER_REFUSALS)[number], () => string | null | undefined> = {
    not_asked: () => reasonOf(answer("zoe")),
    requester: () => reasonOf(answer("rita")),
    own_account: () => reasonOf(answer("ann", { answeredById: "bot" })),
    inactive: () => reasonOf(answer("eve")),
    early: () => reasonOf(answer("ann", { atMs: ASKED_MS - HOUR })),
    late: () => reasonOf(answer("ann", { atMs: ASKED_MS + 24 * HOUR }), { nowMs: ASKED_MS + 25 * HOUR }),
    nobody: () => reasonOf(answer("ann", { answeredById: null })),
  };
  for (const [why, found] of Object.entries(cases)) it(`${why}`, () => expect(found()).to.equal(why));

  it("requester: also when a delegate gives it for the requester", () => {
    expect(reasonOf(answer("dan", { approverId: "rita" }))).to.equal("requester");
  });

  it("not_asked: when somebody else answered the row of a member", () => {
    expect(reasonOf(answer("ben", { approverId: "ann" }))).to.equal("not_asked");
  });

  it("nobody: when the vendor does not say at what time it was given", () => {
    expect(reasonOf(answer("ann", { atMs: null }))).to.equal("nobody");
  });
});

describe("properties of a gate", () => {
  const who = fc.constantFrom("ann", "ben", "cid", "dan", "eve", "rita", "bot", "zoe");
  const anyAnswer: fc.Arbitrary<GivenAnswer> = fc.record({
    id: fc.constantFrom("r1", "r2", "r3", "r4"),
    decision: fc.constantFrom("approved", "rejected"),
    approverId: who,
    answeredById: fc.option(who),
    atMs: fc.option(fc.integer({ min: ASKED_MS - HOUR, max: ASKED_MS + 30 * HOUR })),
  });
  const anyNeed = fc.constantFrom<GateMemory["need"]>("any", "all", "one-of-each", "50%", 1, 2, 3);
  const RUNS = { numRuns: 10_000 };

  it("no grant without a valid approval, none against a valid rejection, and never by the wrong person", () => {
    fc.assert(
      fc.property(fc.array(anyAnswer, { maxLength: 6 }), anyNeed, fc.nat(30), (given, need, hours) => {
        const gate = { groups: ["Board"], people: ["cid"], need };
        const { state, answers } = judged(given, gate, { nowMs: ASKED_MS + hours * HOUR });
        const counted = answers.filter(({ refused }) => refused === null);
        if (state === "granted") {
          expect(counted.every(({ decision }) => decision === "approved")).to.equal(true);
          const people = new Set(counted.map(({ by }) => by));
          const least = { any: 1, all: 3, "one-of-each": 2, "50%": 2 };
          expect(people.size).to.be.at.least(typeof need === "number" ? need : least[need as keyof typeof least]);
        }
        expect(counted.some(({ decision }) => decision === "rejected")).to.equal(state === "refused");
        for (const { by } of counted) expect(["ann", "ben", "cid", "dan"]).to.include(by);
      }),
      RUNS,
    );
  });

  it("the order in which the vendor lists answers changes nothing", () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyAnswer, { maxLength: 4, selector: ({ id }) => id }), anyNeed, (given, need) => {
        const gate = { groups: ["Board"], people: ["cid"], need };
        expect(judged([...given].reverse(), gate)).to.deep.equal(judged(given, gate));
      }),
      RUNS,
    );
  });

  it("one more approval never takes a grant away", () => {
    fc.assert(
      fc.property(fc.array(anyAnswer, { maxLength: 5 }), anyAnswer, anyNeed, (given, more, need) => {
        const gate = { groups: ["Board"], people: ["cid"], need };
        fc.pre(more.decision === "approved");
        if (judged(given, gate).state === "granted")
          expect(judged([...given, { ...more, id: "another" }], gate).state).to.equal("granted");
      }),
      RUNS,
    );
  });
});
