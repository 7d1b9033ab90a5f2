import { expect } from "chai";
import type { GatePlan, GatePlanInput, JudgedGate } from "../../../core/act/gate-plan.ts";
import { eventName, planGates } from "../../../core/act/gates.ts";
import type { Gate } from "../../../core/decision.ts";
import type { GateMemory } from "../../../core/gates/gate.ts";
import { ROUND } from "../support/rounds.ts";
import { TICKET } from "../support/tickets.ts";

const GATE: Gate = {
  ...{ rule: "board", why: "It says so", groups: ["Board"], people: [], need: "any", before: ["implement"] },
  ...{ binds: ["title"], bindsDigest: "d1", expiresMs: 86_400_000, fallbackGroup: null, sideDoor: "tell" },
  ...{ state: "needed", expiresAt: null, present: {}, stands: [], passed: [] },
};

const WHO = { groups: ["Board"], people: [], need: "any", fallback: false } as const;

function judged(memory: Partial<GateMemory> = {}, more: Partial<JudgedGate> = {}): JudgedGate {
  return { memory: { ...ROUND, ...memory }, half: false, stranded: false, sideDoor: null, shut: false, ...more };
}

function planned(gates: readonly Gate[], rest: Partial<GatePlanInput> = {}): GatePlan {
  return planGates({
    ...{
      ticket: { ...TICKET, kind: "incident", status: "in_progress" },
      decision: { gates: [...gates], holds: [], rollback: null },
      nowMs: 0,
    },
    ...{ before: [], judged: [], mode: "act", canAsk: true, told: new Set() },
    who: new Map([["board", WHO]]),
    ...rest,
  });
}

const kinds = ({ events }: GatePlan): string[] => events.map(({ kind }) => kind);

describe("what is done about approvals", () => {
  it("asks those who may answer, once they are known", () => {
    expect(planned([GATE], { who: new Map() }).unresolved).to.deep.equal([GATE]);
    const { asks, unresolved, park } = planned([GATE]);
    expect({ asks, unresolved, park }).to.deep.equal({
      ...{ asks: [{ gate: GATE, who: WHO, half: undefined, undone: 0 }], unresolved: [], park: undefined },
    });
  });

  it("asks nobody below act, while everything waits for a person, about a draft, or when it is over", () => {
    for (const mode of ["observe", "suggest"] as const) expect(planned([GATE], { mode }).asks).to.deep.equal([]);
    const held = { gates: [GATE], holds: [{ rule: "r", reason: "no" }], rollback: null };
    expect(planned([GATE], { decision: held }).asks).to.deep.equal([]);
    expect(planned([GATE], { ticket: { ...TICKET, kind: "change", status: "new" } }).asks).to.deep.equal([]);
    for (const status of ["resolved", "closed", "canceled"] as const)
      expect(planned([GATE], { ticket: { ...TICKET, kind: "incident", status } }).asks).to.deep.equal([]);
  });

  it("asks nobody twice: what is requested, granted, refused or expired stands", () => {
    for (const state of ["requested", "granted", "refused", "expired"] as const)
      expect(
        planned([{ ...GATE, state }], { before: [{ ...ROUND, state }], judged: [judged({ state })] }).asks,
      ).to.deep.equal([]);
  });

  it("asks on under the same mark what a crash left half asked", () => {
    const { asks } = planned([{ ...GATE, state: "requested" }], { judged: [judged({}, { half: true })] });
    expect(asks.map(({ half }) => half?.marker)).to.deep.equal(["[il:g1]"]);
  });

  it("no_approval_queue: where the connection has none, a person is needed", () => {
    const { asks, unresolved, park } = planned([GATE], { canAsk: false });
    expect([asks, unresolved, park?.reason]).to.deep.equal([[], [], "no_approval_queue"]);
  });

  it("no_approver: where nobody is left who may answer, a person is needed", () => {
    const { asks, park } = planned([GATE], { who: new Map([["board", { nobody: "too few are left" }]]) });
    expect([asks, park]).to.deep.equal([[], { reason: "no_approver", detail: "too few are left (rule board)" }]);
  });

  it("approval_expired: takes the request back, tells it once, and calls a person", () => {
    const expired = { ...GATE, state: "expired" as const };
    const plan = planned([expired], { before: [ROUND], judged: [judged({ state: "expired" })] });
    expect([kinds(plan), plan.cancels.length, plan.park?.reason]).to.deep.equal([["expired"], 1, "approval_expired"]);
    const again = planned([expired], {
      before: [{ ...ROUND, state: "expired", told: true }],
      judged: [judged({ state: "expired", told: true })],
    });
    expect([kinds(again), again.cancels.length, again.park?.reason]).to.deep.equal([[], 0, "approval_expired"]);
  });

  it("tells of an answer that came together with the end of the question", () => {
    const state = "refused" as const;
    const plan = planned([], { before: [ROUND], judged: [judged({ state })] });
    expect([kinds(plan), plan.cancels.length, plan.memory]).to.deep.equal([["refused"], 1, []]);
  });

  it("asks anew, and tells of the door, where a bound field was changed together with the effect", () => {
    const both: Gate = { ...GATE, stands: ["implement"], passed: ["implement"] };
    const plan = planned([both], { before: [ROUND], judged: [judged()] });
    expect([kinds(plan), plan.asks.length]).to.deep.equal([["void", "side_door"], 1]);
    const ended = planned([both], { before: [ROUND], judged: [judged()], ticket: { ...TICKET, status: "resolved" } });
    expect(ended.asks).to.have.length(1);
  });

  it("remembers of a draft what stood in it, so that whoever begins it unasked has passed the gate", () => {
    const plan = planned([GATE], { ticket: { ...TICKET, kind: "change", status: "new" } });
    expect(plan.memory.map(({ rule, state, stood }) => [rule, state, stood])).to.deep.equal([["board", "void", []]]);
  });

  it("counts how often a request is put back, or made again, and calls a person in the end", () => {
    const gate: Gate = { ...GATE, state: "requested" };
    const put = planned([gate], { before: [ROUND], judged: [judged({ undone: 10 }, { shut: true })] });
    expect([put.undos, put.park?.reason]).to.deep.equal([[], "side_door"]);
    const made = planned([gate], { before: [ROUND], judged: [judged({ undone: 10 }, { half: true })] });
    expect([made.asks, made.park?.reason]).to.deep.equal([[], "side_door"]);
  });

  it("undoes nothing where the record is held already", () => {
    const gate: Gate = { ...GATE, state: "requested", sideDoor: "undo", passed: ["implement"], stands: ["implement"] };
    const held = {
      ...TICKET,
      kind: "change",
      status: "in_progress",
      change: { ...TICKET.change, onHold: true },
    } as const;
    const plan = planned([gate], { before: [ROUND], judged: [judged()], ticket: held });
    expect([kinds(plan), plan.undos]).to.deep.equal([["side_door"], []]);
  });

  it("voids what was asked for something else, takes it back, and asks anew", () => {
    const plan = planned([GATE], { before: [ROUND], judged: [judged()] });
    expect([kinds(plan), plan.cancels.length, plan.asks.length]).to.deep.equal([["void"], 1, 1]);
    expect(plan.memory.map(({ state }) => state)).to.deep.equal(["void"]);
  });

  it("voids a grant of something else, and has nothing to take back", () => {
    const granted = { ...ROUND, state: "granted" as const, told: true };
    const plan = planned([GATE], { before: [granted], judged: [judged({ state: "granted", told: true })] });
    expect([kinds(plan), plan.cancels.length, plan.asks.length]).to.deep.equal([["void"], 0, 1]);
  });

  it("takes back what no rule asks for any more, and forgets it", () => {
    const plan = planned([], { before: [ROUND], judged: [judged()] });
    expect([kinds(plan), plan.cancels.length, plan.memory]).to.deep.equal([["void"], 1, []]);
  });

  it("gone: where too few are left who could answer, it is taken back and others are asked", () => {
    const who = { groups: ["Deputies"], people: [], need: "any", fallback: true } as const;
    const plan = planned([GATE], {
      before: [ROUND],
      judged: [judged({}, { stranded: true })],
      who: new Map([["board", who]]),
    });
    expect([kinds(plan), plan.cancels.length, plan.asks[0]?.who]).to.deep.equal([["gone"], 1, who]);
  });

  it("asks the same people again of whom no answer counted, and not for ever", () => {
    const spent = (undone: number) =>
      planned([GATE], { before: [ROUND], judged: [judged({ undone }, { stranded: true })] });
    expect(spent(3).asks.map(({ undone }) => undone)).to.deep.equal([4]);
    expect([spent(10).asks, spent(10).park?.reason]).to.deep.equal([[], "side_door"]);
  });

  it("notes nothing of a draft below act, and there what comes about is nobody's side door", () => {
    const draft = { ...TICKET, kind: "change", status: "new" } as const;
    expect(planned([GATE], { ticket: draft, mode: "observe" }).memory).to.deep.equal([]);
    const noted = { ...ROUND, state: "void" as const, marker: "" };
    const begun = { ...GATE, stands: ["implement" as const] };
    const plan = planned([begun], {
      mode: "observe",
      before: [noted],
      judged: [judged({ state: "void", marker: "" })],
    });
    expect(plan.memory.map(({ stood }) => stood)).to.deep.equal([["implement"]]);
  });

  it("forgets a void round whose rule does not ask any more", () => {
    const noted = { ...ROUND, state: "void" as const };
    expect(planned([], { before: [noted], judged: [judged({ state: "void" })] }).memory).to.deep.equal([]);
  });

  it("tells of an end once, and of each answer that does not count", () => {
    const refused: GateMemory["answers"][number] = {
      ...{ id: "r1", decision: "approved", for: "ann", by: "rita", at: null, refused: "requester" },
    };
    const state = "granted" as const;
    const gates = [{ ...GATE, state }];
    const plan = planned(gates, { before: [ROUND], judged: [judged({ state, answers: [refused] })] });
    expect(kinds(plan)).to.deep.equal(["answer_refused", "granted"]);
    expect(
      kinds(planned(gates, { before: plan.memory, judged: [judged({ state, answers: [refused], told: true })] })),
    ).to.deep.equal([]);
    const told = new Set(plan.events.map(eventName));
    expect(
      kinds(planned(gates, { before: [ROUND], judged: [judged({ state, answers: [refused] })], told })),
    ).to.deep.equal([]);
  });

  it("remembers an answer that has decided before anything is written, and tells of it once it was", () => {
    const state = "granted" as const;
    const gates = [{ ...GATE, state }];
    const plan = planned(gates, { before: [ROUND], judged: [judged({ state })] });
    expect(plan.decided).to.deep.equal([{ ...ROUND, state, told: false }]);
    expect(plan.memory).to.deep.equal([{ ...ROUND, state, told: true }]);
    const again = planned(gates, { before: plan.decided, judged: [judged({ state })] });
    expect(again.events.map(({ kind, recorded }) => [kind, recorded])).to.deep.equal([["granted", true]]);
    expect(planned([{ ...GATE, state: "requested" }], { before: [ROUND], judged: [judged()] }).decided).to.deep.equal([
      ROUND,
    ]);
  });

  it("puts back to where people can answer what an answer led away that was not enough; that is no side door", () => {
    const gate: Gate = { ...GATE, state: "requested", passed: ["implement"], stands: ["implement"] };
    const plan = planned([gate], { before: [ROUND], judged: [judged({}, { shut: true })] });
    expect([kinds(plan), plan.undos.length, plan.memory[0]?.undone]).to.deep.equal([["reopened"], 1, 1]);
    const past = planned([gate], { before: [ROUND], judged: [judged({}, { shut: true, sideDoor: "moved" })] });
    expect([kinds(past), past.undos.length]).to.deep.equal([["side_door"], 0]);
  });

  describe("side_door", () => {
    const passed: Gate = { ...GATE, state: "requested", passed: ["implement"], stands: ["implement"] };

    it("is told once, and stays told", () => {
      const plan = planned([passed], { before: [ROUND], judged: [judged()] });
      expect([kinds(plan), plan.undos, plan.memory[0]?.doors]).to.deep.equal([["side_door"], [], ["implement"]]);
      expect(
        kinds(planned([passed], { before: plan.memory, judged: [judged({ doors: ["implement"] })] })),
      ).to.deep.equal([]);
    });

    it("is undone where the rule says so, three times at the most; then a person is needed", () => {
      const gate: Gate = { ...passed, sideDoor: "undo" };
      const plan = planned([gate], { before: [ROUND], judged: [judged()] });
      expect([kinds(plan), plan.undos.length, plan.memory[0]?.undone]).to.deep.equal([["side_door"], 1, 1]);
      const last = planned([gate], { before: [ROUND], judged: [judged({ undone: 3 })] });
      expect([last.undos, last.park?.reason]).to.deep.equal([[], "side_door"]);
    });

    it("through the request itself is told in the words of its queue", () => {
      const sideDoor = "the field approval says approved";
      const plan = planned([{ ...GATE, state: "requested" }], { before: [ROUND], judged: [judged({}, { sideDoor })] });
      expect(plan.events.map(({ kind, what }) => [kind, what])).to.deep.equal([["side_door", sideDoor]]);
    });
  });

  it("changes nothing of what is remembered where nothing may be written, but for the end that people gave it", () => {
    const gone = planned([], { mode: "observe", before: [ROUND], judged: [judged()] });
    expect([kinds(gone), gone.cancels, gone.memory]).to.deep.equal([[], [], [ROUND]]);
    const granted = planned([{ ...GATE, state: "granted" }], {
      mode: "observe",
      before: [ROUND],
      judged: [judged({ state: "granted" })],
    });
    expect([granted.memory.map(({ state }) => state), kinds(granted)]).to.deep.equal([["granted"], ["granted"]]);
  });
});
