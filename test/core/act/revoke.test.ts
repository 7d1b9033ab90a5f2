import { expect } from "chai";
import fc from "fast-check";
import { KEPT, planRevoke, type RevokeInput, type RevokePlan } from "../../../core/act/revoke.ts";
import type { GateMemory } from "../../../core/gates/gate.ts";
import { GIVEN_BACK, REVOKED } from "../../../core/revocation.ts";
import type { PastAction } from "../../../core/store/undoing.ts";
import type { FieldValue } from "../../../core/ticket.ts";
import { mappingThat, wrote } from "./plans.ts";

function past(id: string, given: Partial<PastAction> = {}): PastAction {
  return {
    ...{ id, kind: "set", field: "assignmentGroup", before: "", after: "Network" },
    ...{ because: ["network"], decisionId: "d1", marker: "", intentAtMs: 1, inDoubtSinceMs: 1, isOpen: false },
    ...given,
  };
}

const wanted = { revoked: { revocation: "r1", wanted: true } };
const ended = { revoked: { revocation: "r0", wanted: false } };

/** A ticket whose group is now this one. */
function planned(actions: PastAction[], group: FieldValue, given: Partial<RevokeInput> = {}): RevokePlan {
  return planRevoke({
    untouched: () => true,
    past: actions,
    fields: { assignmentGroup: wrote("Network") },
    stands: (field, value) => field === "assignmentGroup" && value === group,
    mapping: mappingThat({ assignmentGroup: ["Service Desk"] }),
    ...{ gates: [], canAsk: true, found: new Set<string>(), told: false },
    ...given,
  });
}

function reasons({ kept }: RevokePlan): [string, string][] {
  return kept.map(({ action, reason }) => [action.id, reason]);
}

describe("undoing a set", () => {
  it("goes back to what stood before, while our value stands", () => {
    const { restores, kept } = planned([past("a1", { before: "Service Desk", ...wanted })], "Network");
    expect(kept).to.deep.equal([]);
    expect(restores).to.deep.equal([
      {
        field: "assignmentGroup",
        ours: "Network",
        to: "Service Desk",
        patch: { assignmentGroup: "Service Desk" },
        undoes: ["a1"],
      },
    ]);
  });

  it("is not done where somebody has changed the field, or did once", () => {
    const actions = [past("a1", wanted)];
    expect(reasons(planned(actions, "Hardware"))).to.deep.equal([["a1", KEPT.changed]]);
    const theirs = { fields: { assignmentGroup: { ...wrote("Network"), theirs: true } } };
    expect(reasons(planned(actions, "Network", theirs)), "changed and changed back").to.deep.equal([
      ["a1", KEPT.changed],
    ]);
    expect(reasons(planned(actions, "Network", { fields: {} }))).to.deep.equal([["a1", KEPT.changed]]);
  });

  it("is not done where a later decision set the field", () => {
    const later = past("a2", { before: "Network", after: "Mail" });
    const fields = { assignmentGroup: wrote("Mail") };
    expect(reasons(planned([past("a1", wanted), later], "Mail", { fields }))).to.deep.equal([["a1", KEPT.later]]);
  });

  it("goes back over a chain of sets, those included that were kept for a later one's sake", () => {
    const fields = { assignmentGroup: wrote("Mail") };
    const second = past("a2", { before: "Network", after: "Mail", ...wanted });
    for (const first of [past("a1", wanted), past("a1", ended)]) {
      const { restores } = planned([first, second], "Mail", { fields });
      expect(restores.map(({ to }) => to)).to.deep.equal([""]);
    }
    const { restores } = planned([past("a1"), second], "Mail", { fields });
    expect(
      restores.map(({ to, undoes }) => [to, undoes]),
      "ours of before stays",
    ).to.deep.equal([["Network", ["a2"]]]);
  });

  it("stops where somebody set the field between two of ours", () => {
    const fields = { assignmentGroup: wrote("Mail") };
    const second = past("a2", { before: "Hardware", after: "Mail", ...wanted });
    const plan = planned([past("a1", wanted), second], "Mail", { fields });
    expect(plan.restores.map(({ to, undoes }) => [to, undoes])).to.deep.equal([["Hardware", ["a2"]]]);
    expect(reasons(plan)).to.deep.equal([["a1", KEPT.between]]);
  });

  it("falls back to the intake value where nothing cannot be written, and is listed where that cannot be either", () => {
    const choosy = (values: readonly string[]): RevokeInput["mapping"] => ({
      ...mappingThat({ assignmentGroup: ["Nobody", "Service Desk"] }),
      toVendor: (_, value) => (values.includes(String(value)) ? { g: String(value) } : undefined),
    });
    const actions = [past("a1", wanted)];
    const fallback = planned(actions, "Network", { mapping: choosy(["Service Desk"]) });
    expect(fallback.restores[0]).to.include({ to: "Service Desk" });
    expect(reasons(planned(actions, "Network", { mapping: choosy([]) }))).to.deep.equal([["a1", KEPT.unwritable]]);
    const not = { mapping: mappingThat({}, ["assignmentGroup"]) };
    expect(reasons(planned(actions, "Network", not))).to.deep.equal([["a1", KEPT.unwritable]]);
  });

  it("puts every vendor field back to the letter, and empties a field rather than a part of it", () => {
    const basis = (patch: Record<string, string>, seen: Record<string, unknown>) => ({
      basis: { recordType: "incident", revision: "1", patch, seen },
    });
    const patchOf = (given: Partial<PastAction>, mapping = mappingThat()) =>
      planned([past("a1", { ...wanted, ...given })], "Network", { mapping }).restores[0]?.patch;
    const two = basis({ impact: "1", urgency: "1" }, { impact: "3", urgency: "2" });
    expect(patchOf({ ...two, before: "4" })).to.deep.equal({ impact: "3", urgency: "2" });
    expect(patchOf(basis({ "cf.value": "Network" }, {}))).to.deep.equal({ cf: null });
    const dotted = { ...mappingThat(), toVendor: (_: string, value: FieldValue) => ({ "cf.value": String(value) }) };
    expect(patchOf({}, dotted)).to.deep.equal({ cf: null });
  });

  it("that never took effect, or took effect without our having seen it, is told apart by this look", () => {
    const open = past("a1", { isOpen: true, ...wanted });
    expect(reasons(planned([open], ""))).to.deep.equal([["a1", KEPT.never]]);
    expect(planned([open], "Network", { found: new Set(["a1"]) }).restores).to.have.length(1);
  });

  it("is done where a crash left it undone and unrecorded, and is told where no note tells of it", () => {
    const undo = past("u1", { before: "Network", after: "", because: [REVOKED, "a1"], isOpen: true });
    const found = new Set(["u1"]);
    const plan = planned([past("a1", wanted), undo], "", { found });
    expect(plan.done.map(({ action, untold }) => [action.id, untold])).to.deep.equal([["a1", true]]);
    expect(planned([past("a1", wanted), undo], "", { found, told: true }).done[0]).to.include({ untold: false });
    expect(
      reasons(planned([past("a1", wanted), undo], "Mail", { found })),
      "and changed by people after that",
    ).to.deep.equal([["a1", KEPT.changed]]);
  });

  it("never takes a person's value that was put back", () => {
    const given = past("g1", { before: "Network", after: "Mail", because: [GIVEN_BACK] });
    const fields = { assignmentGroup: { ...wrote("Network"), theirs: true } };
    const plan = planned([past("a1", wanted), given], "Mail", { fields });
    expect([plan.restores, reasons(plan)]).to.deep.equal([[], [["a1", KEPT.changed]]]);
  });
});

describe("undoing what is no set", () => {
  const round = (state: GateMemory["state"]): GateMemory => ({
    ...{
      rule: "cab",
      bindsDigest: "x",
      state,
      marker: "[il:ask]",
      seen: "",
      stood: [],
      requester: "",
      present: {},
      doors: [],
      told: false,
    },
    ...{ requestedAt: "2026-03-02T09:00:00.000Z", expiresAt: "2026-03-03T09:00:00.000Z" },
    ...{ groups: ["CAB"], people: [], need: "any", fallback: false, undone: 0, answers: [] },
  });
  const ask = past("a1", { kind: "ask", field: "gate", after: null, before: null, marker: "[il:ask]", ...wanted });

  it("takes a request back that nobody has answered", () => {
    expect(planned([ask], "", { gates: [round("requested")] }).cancels).to.deep.equal([
      { memory: round("requested"), undoes: "a1" },
    ]);
  });

  it("lists one that was answered, or whose queue is not configured any more", () => {
    expect(reasons(planned([ask], "", { gates: [round("granted")] }))).to.deep.equal([["a1", KEPT.answered]]);
    expect(reasons(planned([ask], "", { gates: [] }))).to.deep.equal([["a1", KEPT.answered]]);
    const noQueue = { gates: [round("requested")], canAsk: false };
    expect(reasons(planned([ask], "", noQueue))).to.deep.equal([["a1", KEPT.noQueue]]);
  });

  it("has a correction follow every note, and lists what took something back itself", () => {
    const gate = { field: "gate", before: null, after: null, ...wanted } as const;
    const plan = planned(
      [
        past("n1", { kind: "note", field: "note", before: null, after: null, ...wanted }),
        past("c1", { kind: "cancel", ...gate }),
        past("u1", { kind: "undo", ...gate }),
      ],
      "",
    );
    expect(plan.notes).to.deep.equal(["n1"]);
    expect(reasons(plan)).to.deep.equal([
      ["c1", KEPT.cancel],
      ["u1", KEPT.undo],
    ]);
  });
});

describe("undoing, whatever was written by whom", () => {
  const GROUPS = ["", "Network", "Mail", "Hardware"];
  const step = fc.record({
    by: fc.constantFrom("us", "person"),
    group: fc.constantFrom(...GROUPS),
    revoke: fc.boolean(),
  });

  it("never replaces a value that a person set, gives every action one end, and changes nothing that was not asked for", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
        const actions: PastAction[] = [];
        let [now, byPerson]: [string, boolean] = ["", false];
        const memory = { ...wrote(""), theirs: false };
        let ours = false;
        for (const { by, group, revoke } of steps) {
          if (group === now) continue;
          // We write what is ours or nobody's only, as a plan does.
          if (by === "us" && byPerson) continue;
          if (by === "us") {
            actions.push(past(`a${actions.length}`, { before: now, after: group, ...(revoke && wanted) }));
            Object.assign(memory, { wrote: group });
            ours = true;
          }
          byPerson = by === "person";
          now = group;
        }
        const fields = ours ? { assignmentGroup: memory } : {};
        const plan = planned(actions, now, { fields });
        const asked = actions.filter(({ revoked }) => revoked).map(({ id }) => id);
        const ends = [...plan.restores.flatMap(({ undoes }) => undoes), ...plan.kept.map(({ action }) => action.id)];
        expect(ends.sort()).to.deep.equal(asked.sort());
        if (byPerson && now !== memory.wrote) expect(plan.restores).to.deep.equal([]);
        for (const { to, undoes } of plan.restores) {
          const first = actions.findIndex(({ id }) => id === undoes[0]);
          expect(to).to.equal(actions[first]?.before);
          expect(undoes, "all from the first on").to.deep.equal(actions.slice(first).map(({ id }) => id));
        }
      }),
    );
  });
});
