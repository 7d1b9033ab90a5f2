import { expect } from "chai";
import { plan } from "../../../core/act/plan.ts";
import { suggestionDigest } from "../../../core/policy/decide.ts";
import type { Overwrite } from "../../../core/ports.ts";
import { type MarkerState, type Recovery, recover } from "../../../core/reconcile/recover.ts";
import type { Claim, OpenAction } from "../../../core/store/store.ts";
import { decisionOf, LIMITS, mappingThat, memoryOf, wrote } from "../act/plans.ts";
import { ticketWith } from "../support/tickets.ts";

const WRITTEN_MS = 1_000_000;
const WAIT_MS = 65_000;
const YOUNG_MS = WRITTEN_MS + 5_000;
const OLD_MS = WRITTEN_MS + WAIT_MS;

function setOf(id: string, after: string, rest: Partial<OpenAction> = {}): OpenAction {
  const shared = { because: ["network"], decisionId: "d1", marker: "", intentAtMs: WRITTEN_MS };
  const { intentAtMs = WRITTEN_MS } = rest;
  return {
    ...{ id, kind: "set", field: "assignmentGroup", before: "", after, inDoubtSinceMs: intentAtMs },
    ...shared,
    ...rest,
  };
}

function noteOf(id: string, rest: Partial<OpenAction> = {}): OpenAction {
  const shared = { because: ["network"], decisionId: "d1", intentAtMs: WRITTEN_MS };
  const { intentAtMs = WRITTEN_MS } = rest;
  const nothing = { before: null, after: null, inDoubtSinceMs: intentAtMs };
  return { id, kind: "note", field: "note", marker: `[il:${id}]`, ...nothing, ...shared, ...rest };
}

function claimOf(open: OpenAction[], memory?: Claim["memory"]): Claim {
  const ids = { ticket: "snow/incident/1", connection: "snow", type: "incident", recordId: "1", recordKey: "INC1" };
  return { ...ids, generation: 1, fence: 1, attempts: 0, outages: 0, claimedAtMs: 0, memory, open };
}

interface Case {
  open?: OpenAction[];
  group?: string;
  markers?: Record<string, MarkerState>;
  nowMs?: number;
  memory?: Claim["memory"];
  edits?: { found?: Record<string, Overwrite>; unknown?: string[] };
  record?: Record<string, unknown>;
}

function recovered({
  open = [setOf("s1", "Network"), noteOf("n1")],
  group = "",
  markers = {},
  nowMs = OLD_MS,
  memory,
  edits = {},
  record = {},
}: Case): Recovery {
  const states = new Map(Object.entries(markers).map(([id, state]) => [`[il:${id}]`, state]));
  const ticket = ticketWith({ assignmentGroup: group });
  const seen = { found: new Map(Object.entries(edits.found ?? {})), unknown: new Set(edits.unknown) };
  const asked = {
    ticket,
    record,
    markers: states,
    edits: seen,
    queue: { requests: new Map() },
    nowMs,
    unknownOutcomeWaitMs: WAIT_MS,
  };
  return recover({ claim: claimOf(open, memory), ...asked });
}

function outcomes({ receipts }: Recovery): string[] {
  return receipts.map(({ actionId, outcome }) => `${actionId} ${outcome}`);
}

interface Row {
  marker: MarkerState;
  stands: boolean;
  old: boolean;
  /** What becomes of the set and of the note; "wait" where nothing may be said yet. */
  expect: "wait" | string[];
  owed: boolean;
}

const TABLE: readonly Row[] = [
  { marker: "present", stands: true, old: false, expect: ["s1 found", "n1 found"], owed: false },
  { marker: "present", stands: true, old: true, expect: ["s1 found", "n1 found"], owed: false },
  // Somebody changed the field after us: the note proves that we had written it.
  { marker: "present", stands: false, old: false, expect: ["s1 found", "n1 found"], owed: false },
  { marker: "present", stands: false, old: true, expect: ["s1 found", "n1 found"], owed: false },
  // The field was written and the note was not, or not yet.
  { marker: "absent", stands: true, old: false, expect: "wait", owed: false },
  { marker: "absent", stands: true, old: true, expect: ["n1 abandoned"], owed: true },
  { marker: "absent", stands: false, old: false, expect: "wait", owed: false },
  { marker: "absent", stands: false, old: true, expect: ["s1 abandoned", "n1 abandoned"], owed: false },
  { marker: "unreadable", stands: true, old: false, expect: ["s1 found", "n1 unconfirmed"], owed: false },
  { marker: "unreadable", stands: true, old: true, expect: ["s1 found", "n1 unconfirmed"], owed: false },
  { marker: "unreadable", stands: false, old: false, expect: "wait", owed: false },
  { marker: "unreadable", stands: false, old: true, expect: ["s1 abandoned", "n1 abandoned"], owed: false },
];

describe("a write whose answer was never seen", () => {
  for (const row of TABLE) {
    const name = `marker ${row.marker}, field ${row.stands ? "stands" : "does not stand"}, intent ${row.old ? "old" : "young"}`;
    it(`${name}: ${row.expect === "wait" ? "wait" : row.expect.join(", ")}${row.owed ? ", and a note is owed" : ""}`, () => {
      const recovery = recovered({
        group: row.stands ? "Network" : "",
        markers: { n1: row.marker },
        nowMs: row.old ? OLD_MS : YOUNG_MS,
      });
      if (row.expect === "wait") {
        expect(recovery).to.deep.include({
          receipts: [],
          owed: [],
          owedReceipts: [],
          fields: {},
          waitMs: WAIT_MS - 5_000,
        });
        return;
      }
      expect(recovery.waitMs).to.equal(undefined);
      expect(outcomes(recovery)).to.deep.equal(row.expect);
      expect(recovery.owed).to.deep.equal(row.owed ? [{ field: "assignmentGroup", before: "", after: "Network" }] : []);
      expect(recovery.owedReceipts.map(({ actionId }) => actionId)).to.deep.equal(row.owed ? ["s1"] : []);
    });
  }

  it("none: nothing to recover", () => {
    const memory = memoryOf({ category: wrote("network") });
    expect(recovered({ open: [], memory })).to.deep.include({
      receipts: [],
      owed: [],
      owedReceipts: [],
      fields: memory.fields,
      waitMs: undefined,
    });
  });

  it("a marker that nobody asked for counts as absent", () => {
    expect(outcomes(recovered({ group: "" }))).to.deep.equal(["s1 abandoned", "n1 abandoned"]);
  });

  it("is old at the very end of its wait, and young a millisecond before", () => {
    expect(recovered({ nowMs: OLD_MS }).waitMs).to.equal(undefined);
    expect(recovered({ nowMs: OLD_MS - 1 }).waitMs).to.equal(1);
  });

  it("waits for the youngest of several", () => {
    const open = [setOf("s1", "Network"), setOf("s2", "x", { field: "category", intentAtMs: WRITTEN_MS + 10_000 })];
    expect(recovered({ open, nowMs: YOUNG_MS }).waitMs).to.equal(WAIT_MS + 5_000);
  });

  it("says nothing of any action while one of them is in doubt", () => {
    const open = [
      setOf("s1", "Network"),
      noteOf("n1"),
      noteOf("n2", { decisionId: "d2", intentAtMs: WRITTEN_MS + 60_000 }),
    ];
    const recovery = recovered({ open, group: "Network", markers: { n1: "present" }, nowMs: OLD_MS });
    expect(recovery.waitMs).to.be.greaterThan(0);
    expect(recovery.receipts).to.deep.equal([]);
  });
});

describe("ownership after a recovery", () => {
  it("what stands is remembered as ours, with the hour", () => {
    const { fields } = recovered({ group: "Network", markers: { n1: "present" } });
    expect(fields).to.deep.equal({ assignmentGroup: { wrote: "Network", theirs: false, writes: [OLD_MS] } });
  });

  it("what stands is remembered even where its note is still owed", () => {
    const { fields } = recovered({ group: "Network", markers: { n1: "absent" } });
    expect(fields.assignmentGroup?.wrote).to.equal("Network");
  });

  it("what was abandoned is not ours", () => {
    expect(recovered({ group: "", markers: { n1: "absent" } }).fields).to.deep.equal({});
  });

  it("what was written and then changed by a person is theirs at the next plan", () => {
    const { fields } = recovered({ group: "Senior Engineers", markers: { n1: "present" } });
    const decision = decisionOf({ assignmentGroup: "Network" });
    const planned = plan({
      ticket: ticketWith({ assignmentGroup: "Senior Engineers" }),
      decision,
      suggestionDigest: suggestionDigest(decision),
      mapping: mappingThat({ assignmentGroup: ["Senior Engineers"] }),
      memory: memoryOf(fields),
      mode: "act",
      owed: [],
      toldSteps: new Set(),
      nowMs: OLD_MS,
      limits: LIMITS,
    });
    expect(planned.changes).to.deep.equal([]);
    expect(planned.fields.assignmentGroup?.theirs).to.equal(true);
  });

  it("a person's value that was put back is theirs, although we wrote it", () => {
    const because = ["edited-at-the-same-moment"];
    const open = [setOf("s1", "Senior Engineers", { because }), noteOf("n1", { because })];
    for (const marker of ["present", "absent", "unreadable"] as const) {
      const { fields } = recovered({ open, group: "Senior Engineers", markers: { n1: marker } });
      expect(fields.assignmentGroup?.theirs, marker).to.equal(true);
    }
    // Even where putting it back failed, we have no more say in it.
    expect(recovered({ open, group: "Network", markers: { n1: "absent" } }).fields.assignmentGroup?.theirs).to.equal(
      true,
    );
  });
});

describe("a partial failure", () => {
  const owedSet = setOf("s1", "Network");

  it("of Jira, where the field was written and the note was refused: the note is owed until it is written", () => {
    // The connector said so, hence the note is closed as abandoned and only the set is open.
    const recovery = recovered({ open: [owedSet], group: "Network", nowMs: YOUNG_MS });
    expect(recovery).to.deep.include({ receipts: [], waitMs: undefined });
    expect(recovery.owed).to.deep.equal([{ field: "assignmentGroup", before: "", after: "Network" }]);
    expect(recovery.owedReceipts).to.deep.equal([
      { actionId: "s1", outcome: "found", detail: "found on reading back" },
    ]);
  });

  it("told by a later note: it is owed no more", () => {
    const later = noteOf("n2", { decisionId: "d2", intentAtMs: WRITTEN_MS + 1 });
    const recovery = recovered({ open: [owedSet, later], group: "Network", markers: { n2: "present" } });
    expect(recovery.owed).to.deep.equal([]);
    expect(outcomes(recovery)).to.deep.equal(["s1 found", "n2 found"]);
  });

  it("whose later note failed too: it is owed still", () => {
    const later = noteOf("n2", { decisionId: "d2", intentAtMs: WRITTEN_MS + 1 });
    const recovery = recovered({
      open: [owedSet, later],
      group: "Network",
      markers: { n2: "absent" },
      nowMs: OLD_MS + 1,
    });
    expect(recovery.owed).to.have.length(1);
    expect(outcomes(recovery)).to.deep.equal(["n2 abandoned"]);
  });

  it("that nobody can tell from a person's own edit: what does not stand is abandoned", () => {
    const recovery = recovered({ open: [owedSet], group: "Senior Engineers" });
    expect(outcomes(recovery)).to.deep.equal(["s1 abandoned"]);
    expect(recovery.fields).to.deep.equal({});
  });
});

describe("a journal that cannot be read", () => {
  it("says nothing: of two fields of one call, the one that stands speaks for the other and for the note", () => {
    const open = [setOf("s1", "Network"), setOf("s2", "x", { field: "category" }), noteOf("n1")];
    const recovery = recovered({ open, group: "Network", markers: { n1: "unreadable" } });
    expect(outcomes(recovery)).to.deep.equal(["s1 found", "s2 found", "n1 unconfirmed"]);
  });

  it("takes a note without fields as written, rather than say it twice", () => {
    const recovery = recovered({ open: [noteOf("n1")], markers: { n1: "unreadable" } });
    expect(outcomes(recovery)).to.deep.equal(["n1 unconfirmed"]);
    expect(recovery.owed).to.deep.equal([]);
  });

  it("says nothing of another decision's fields", () => {
    const open = [
      setOf("s1", "Network"),
      noteOf("n2", { decisionId: "d2" }),
      setOf("s2", "x", { field: "category", decisionId: "d2" }),
    ];
    const recovery = recovered({ open, group: "Network", markers: { n2: "unreadable" } });
    expect(outcomes(recovery)).to.include("n2 abandoned").and.to.include("s2 abandoned");
  });
});

describe("an edit that a write of ours replaced unseen", () => {
  const theirs: Overwrite = { actionId: "s1", patch: { group: { group: "Security" } }, value: "Security" };
  const back = setOf("g1", "Security", { before: "Network", because: ["edited-at-the-same-moment"] });

  it("is lost while ours stands: it is to be given back, is theirs, and owes no other note", () => {
    for (const marker of ["present", "absent"] as const) {
      const recovery = recovered({ group: "Network", markers: { n1: marker }, edits: { found: { s1: theirs } } });
      expect(recovery.lost).to.deep.equal([{ field: "assignmentGroup", ours: "Network", overwrite: theirs }]);
      expect(recovery.fields.assignmentGroup?.theirs).to.equal(true);
      expect(recovery.owed).to.deep.equal([]);
      expect(outcomes(recovery)).to.include("s1 found");
    }
  });

  it("is lost no more once somebody has set the field again, and the field is theirs", () => {
    const recovery = recovered({ group: "Hardware", edits: { found: { s1: theirs } }, markers: { n1: "present" } });
    expect(recovery.lost).to.deep.equal([]);
    expect(recovery.fields.assignmentGroup?.theirs).to.equal(true);
  });

  it("that was put back is not put back again, although our first write still stands in the history", () => {
    const open = [setOf("s1", "Network"), noteOf("n1"), back];
    const recovery = recovered({
      open,
      group: "Security",
      edits: { found: { s1: theirs } },
      markers: { n1: "present" },
    });
    expect(recovery.lost).to.deep.equal([]);
    expect(outcomes(recovery)).to.deep.equal(["s1 found", "n1 found", "g1 found"]);
  });

  it("is given back again where the first try had no effect", () => {
    const open = [setOf("s1", "Network"), noteOf("n1"), back];
    const recovery = recovered({
      open,
      group: "Network",
      edits: { found: { s1: theirs } },
      markers: { n1: "present" },
    });
    expect(recovery.lost).to.have.length(1);
    expect(recovery.ungiven).to.deep.equal([]);
  });

  it("cannot be given back where only the failed try is known: a person must", () => {
    expect(recovered({ open: [back], group: "Network" }).ungiven).to.deep.equal(["assignmentGroup"]);
    expect(recovered({ open: [back], group: "Hardware" }).ungiven).to.deep.equal([]);
  });

  it("cannot be told where the history does not show our write, which matters only while ours stands", () => {
    const asked: Case = { edits: { unknown: ["s1"] }, markers: { n1: "present" } };
    expect(recovered({ ...asked, group: "Network" }).unread).to.deep.equal(["assignmentGroup"]);
    expect(recovered({ ...asked, group: "Hardware" }).unread).to.deep.equal([]);
  });

  it("is known by the vendor's own value, where that is all we wrote", () => {
    const given = {
      ...back,
      after: "77",
      basis: { recordType: "incident", revision: "3", patch: { g: "77" }, seen: {} },
    };
    const again = { ...theirs, actionId: "g1" };
    const at = { group: "Security", record: { g: "77" }, edits: { found: { g1: again } } };
    expect(recovered({ open: [given], ...at }).lost).to.deep.equal([
      { field: "assignmentGroup", ours: "77", overwrite: again },
    ]);
  });
});
