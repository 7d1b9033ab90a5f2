import { expect } from "chai";
import type { Mode } from "../../../core/config/settings.ts";
import { Limits } from "../../../core/limits.ts";
import type { Mapping } from "../../../core/mapping/mapping.ts";
import type { Facts } from "../../../core/policy/facts.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import type { Overwrite } from "../../../core/ports.ts";
import { NO_QUEUE } from "../../../core/reconcile/approvals.ts";
import type { ReconcileDeps } from "../../../core/reconcile/deps.ts";
import { type Next, prepare } from "../../../core/reconcile/prepare.ts";
import type { MarkerState } from "../../../core/reconcile/recover.ts";
import type { Work } from "../../../core/reconcile/work.ts";
import type { Claim, OpenAction, Settlement, Store } from "../../../core/store/store.ts";
import { memoryOf, wrote } from "../act/plans.ts";
import { shippedMapping } from "../support/mappings.ts";
import { type OtherFiles, policyOf, type RuleOf } from "../support/policies.ts";

const NOW_MS = Date.parse("2026-03-02T09:00:00Z");
const { mapping, record } = shippedMapping("servicenow.incident");
const untouched = { ...record, assignment_group: "", "assignment_group.name": "" };
const toNetwork: RuleOf[] = [{ id: "network", when: "true", does: { assign: { group: "Network" } } }];

/** Service levels whose one step has come due for every ticket of these tests. */
const NOTING = {
  rules: [
    {
      ...{ id: "all", why: "It says so", when: "true" },
      // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
      then: {
        clocks: {
          resolution: {
            within: "1m",
            stops: ["closed"],
            steps: [{ id: "lead", at: "50%", do: { note: "Look at this." } }],
          },
        },
      },
    },
  ],
};

interface Case {
  others?: OtherFiles;
  rules?: RuleOf[];
  mode?: Mode;
  facts?: Facts;
  record?: Record<string, unknown>;
  memory?: Claim["memory"];
  open?: OpenAction[];
  markers?: Record<string, MarkerState>;
  edits?: { found?: Record<string, Overwrite>; unknown?: string[] };
  attempts?: number;
  mapping?: Mapping | undefined;
  limits?: Partial<Limits>;
}

/** Preparing makes no call and writes nothing: whoever touches the store or a desk here fails. */
function depsOf(policy: Policy, mode: Mode, counted: string[], limits: Partial<Limits> = {}): ReconcileDeps {
  const forbidden = new Proxy(
    {},
    {
      get: (_, name) => {
        throw new Error(`prepare used ${String(name)}`);
      },
    },
  );
  const counter = [1, 2, 3, 4, 5, 6, 7, 8, 9].values();
  const nothing = (): void => undefined;
  return {
    store: forbidden as Store, // any use of it throws
    desks: new Map(),
    policy: () => policy,
    mode: () => mode,
    mayRead: () => true,
    clock: { now: () => NOW_MS, sleep: () => Promise.reject(new Error("prepare slept")) },
    rng: { next: () => 0.5 },
    ids: { short: () => `id${counter.next().value}` },
    log: { error: nothing, warn: nothing, info: nothing, debug: nothing },
    meter: { count: (name, labels) => counted.push(`${name} ${JSON.stringify(labels ?? {})}`) },
    limits: { ...Limits.parse({}), ...limits },
    worker: "w1",
  };
}

function prepared(each: Case, counted: string[] = []): Next {
  const claim: Claim = {
    ...{ ticket: "snow/incident/1", connection: "snow", type: "incident", recordId: "1", recordKey: "INC1" },
    ...{ generation: 1, fence: 1, attempts: each.attempts ?? 0, outages: 0, claimedAtMs: NOW_MS },
    memory: each.memory,
    open: each.open ?? [],
  };
  const seen = { id: "1", found: true, key: "INC0010001", recordType: "incident", revision: "7" } as const;
  const found = { ...seen, record: each.record ?? untouched };
  const deps = depsOf(
    policyOf(each.rules ?? toNetwork, undefined, {}, each.others),
    each.mode ?? "act",
    counted,
    each.limits,
  );
  const markers = new Map(Object.entries(each.markers ?? {}));
  const { found: replaced = {}, unknown = [] } = each.edits ?? {};
  const edits = { found: new Map(Object.entries(replaced)), unknown: new Set(unknown) };
  const facts = each.facts ?? {};
  const queue = { queue: NO_QUEUE, canAsk: false, who: new Map() };
  const read = { readAtMs: NOW_MS - 50, markers, edits, facts, entries: [], policy: deps.policy(), ...queue };
  return prepare(deps, claim, found, "mapping" in each ? each.mapping : mapping, read);
}

function workOf(next: Next): Work {
  if (next.kind !== "write") throw new Error(`expected a write, not ${next.kind}`);
  return next.work;
}

function settlementOf(next: Next): Settlement {
  if (next.kind !== "settle") throw new Error(`expected to settle, not ${next.kind}`);
  return next.settlement;
}

describe("a ticket that was read", () => {
  it("without a mapping is ignored", () => {
    expect(prepared({ mapping: undefined })).to.deep.equal({ kind: "ignore" });
  });

  it("drift: with a value nobody knows is parked, says which, and is counted", () => {
    const counted: string[] = [];
    const next = prepared({ record: { ...untouched, state: "42", sys_created_on: "?" } }, counted);
    expect(next).to.deep.equal({
      kind: "park",
      reason: "drift",
      detail:
        "mapping servicenow.incident does not know status (state): 42; createdAt (sys_created_on): not a date with a known zone; add the value to the mapping, then redrive",
    });
    expect(counted).to.deep.equal([
      'interlock_drift_total {"mapping":"servicenow.incident","field":"status"}',
      'interlock_drift_total {"mapping":"servicenow.incident","field":"createdAt"}',
    ]);
  });

  it("held: that a rule could not judge is parked with the reason and keeps its decision", () => {
    const settlement = settlementOf(prepared({ rules: [{ id: "window", when: "ticket.change.plannedStart > now" }] }));
    expect(settlement.park).to.deep.equal({
      reason: "held",
      detail: "rule window could not be computed: plannedStart is absent",
    });
    expect(settlement.decided?.decision.holds).to.have.length(1);
    expect(settlement.entries.map(({ kind }) => kind)).to.deep.equal(["decision"]);
  });

  it("not_converging: that we have written too often is parked", () => {
    const memory = memoryOf({ assignmentGroup: wrote("Old", [NOW_MS, NOW_MS]) });
    const at = { ...untouched, assignment_group: "g", "assignment_group.name": "Old" };
    const settlement = settlementOf(prepared({ memory, record: at, limits: { convergeWritesMax: 2 } }));
    expect(settlement.park?.reason).to.equal("not_converging");
    expect(settlement.park?.detail).to.match(/^assignmentGroup was written 2 times and changed back/);
  });

  it("not_converging: what its clocks have come to is told all the same, and nothing else is written", () => {
    const memory = memoryOf({ assignmentGroup: wrote("Old", [NOW_MS, NOW_MS]) });
    const at = { ...untouched, assignment_group: "g", "assignment_group.name": "Old" };
    const next = prepared({ memory, record: at, limits: { convergeWritesMax: 2 }, others: { sla: NOTING } });
    const { write, settlement, changes } = workOf(next);
    expect([write.fields, changes]).to.deep.equal([[], []]);
    expect(write.note?.text).to.include("Look at this. (clock all/resolution, step lead)");
    expect(settlement.park?.reason).to.equal("not_converging");
  });

  it("waits while an earlier write is in doubt, and decides nothing", () => {
    const open: OpenAction = {
      ...{ id: "a1", kind: "set", field: "assignmentGroup", before: "", after: "Network" },
      ...{ because: [], decisionId: "d", marker: "", intentAtMs: NOW_MS - 1_000, inDoubtSinceMs: NOW_MS - 1_000 },
    };
    expect(prepared({ open: [open], limits: { unknownOutcomeWaitMs: 65_000 } })).to.deep.equal({
      kind: "wait",
      ms: 64_000,
      counts: "neither",
    });
  });
});

describe("a write that is planned", () => {
  it("names what it changes, why, and the mark by which its note is found again", () => {
    const { write, actions, changes } = workOf(prepared({}));
    expect(changes).to.deep.equal([{ field: "assignmentGroup", before: "", after: "Network" }]);
    expect(actions.map(({ id, kind, field, because, marker }) => ({ id, kind, field, because, marker }))).to.deep.equal(
      [
        { id: "id1", kind: "set", field: "assignmentGroup", because: ["network"], marker: "" },
        { id: "id2", kind: "note", field: "note", because: ["network"], marker: "[il:id2]" },
      ],
    );
    expect(write.fields).to.deep.equal([
      {
        actionId: "id1",
        field: "assignmentGroup",
        after: "Network",
        patch: { assignment_group: { group: "Network" } },
        seen: { assignment_group: "" },
      },
    ]);
    expect(write.note?.actionId).to.equal("id2");
    expect(write.note?.text).to.include("[il:id2]");
    expect(write).to.include({ revision: "7", readAtMs: NOW_MS - 50, recordType: "incident" });
  });

  it("is told of in the ledger without a word of the ticket", () => {
    const canary = { ...untouched, short_description: "Kanari", description: "Kanari", "caller_id.name": "Kanari" };
    const { entries, actions, settlement } = workOf(prepared({ record: canary }));
    expect(entries.map(({ kind, ticket }) => `${kind} ${ticket}`)).to.deep.equal(["decision snow/incident/1"]);
    expect(JSON.stringify([entries, actions, settlement])).not.to.include("Kanari");
  });

  it("suggest: is a note only", () => {
    const { write, actions, changes } = workOf(prepared({ mode: "suggest" }));
    expect(write.fields).to.deep.equal([]);
    expect(changes).to.deep.equal([]);
    expect(actions.map(({ kind }) => kind)).to.deep.equal(["note"]);
    expect(write.note?.text)
      .to.match(/^Interlock suggests/)
      .and.to.include("Network");
  });

  it("observe: is not planned at all, and is decided all the same", () => {
    const settlement = settlementOf(prepared({ mode: "observe" }));
    expect(settlement.decided?.decision.set).to.deep.equal({ assignmentGroup: "Network" });
  });

  it("tells a decision once: the same outcome again is no news", () => {
    const at = { ...untouched, assignment_group: "g", "assignment_group.name": "Network" };
    const first = settlementOf(prepared({ record: at }));
    const digest = first.decided?.outcomeDigest ?? "";
    expect(first.entries).to.have.length(1);
    const again = settlementOf(prepared({ record: at, memory: memoryOf({}, digest) }));
    expect(again.entries).to.deep.equal([]);
    expect("decided" in again).to.equal(false);
  });
});

describe("a first write that was found by reading back", () => {
  const open = (kind: "set" | "note"): OpenAction => ({
    ...{ id: kind, kind, because: ["network"], decisionId: "d1", before: null },
    ...{ intentAtMs: NOW_MS - 100_000, inDoubtSinceMs: NOW_MS - 100_000 },
    ...(kind === "set"
      ? { field: "assignmentGroup", after: "Network", marker: "" }
      : { field: "note", after: null, marker: "[il:n]" }),
  });
  const at = { ...untouched, assignment_group: "g", "assignment_group.name": "Network" };

  it("is remembered as ours although nothing was remembered before", () => {
    const next = prepared({ record: at, open: [open("set"), open("note")], markers: { "[il:n]": "present" } });
    expect(settlementOf(next).fields.assignmentGroup).to.deep.equal({
      wrote: "Network",
      theirs: false,
      writes: [NOW_MS],
    });
    expect(settlementOf(next).receipts?.map(({ outcome }) => outcome)).to.deep.equal(["found", "found"]);
  });

  it("owes its note, and closes its receipt with it", () => {
    const next = prepared({ record: at, open: [open("set"), open("note")], markers: { "[il:n]": "absent" } });
    const work = workOf(next);
    expect(work.write.fields).to.deep.equal([]);
    expect(work.write.note?.text).to.include("Assignment group: (empty) -> Network");
    expect(work.owedReceipts.map(({ actionId }) => actionId)).to.deep.equal(["set"]);
    expect(work.earlier.map(({ actionId }) => actionId)).to.deep.equal(["note"]);
  });

  it("owes nothing in observe: its receipt is closed", () => {
    const next = prepared({
      record: at,
      mode: "observe",
      open: [open("set"), open("note")],
      markers: { "[il:n]": "absent" },
    });
    expect(
      settlementOf(next)
        .receipts?.map(({ actionId }) => actionId)
        .sort(),
    ).to.deep.equal(["note", "set"]);
  });
});

describe("a write that may have replaced a person's edit", () => {
  const shared = { because: ["network"], decisionId: "d1", before: null, intentAtMs: 1, inDoubtSinceMs: 1 };
  const open: OpenAction[] = [
    { id: "s", kind: "set", field: "assignmentGroup", after: "Network", marker: "", ...shared },
    { id: "n", kind: "note", field: "note", after: null, marker: "[il:n]", ...shared },
  ];
  const at = { ...untouched, assignment_group: "g", "assignment_group.name": "Network" };
  const stands = { open, record: at, markers: { "[il:n]": "present" } } as const;
  const found = { s: { actionId: "s", patch: { assignment_group: "sec" }, value: "sec" } };

  it("puts it back before anything else, and looks again afterwards", () => {
    const work = workOf(prepared({ ...stands, edits: { found } }));
    expect(work.givesBack).to.equal(true);
    expect(work.write.fields.map(({ patch, seen }) => ({ patch, seen }))).to.deep.equal([
      { patch: { assignment_group: "sec" }, seen: { assignment_group: "g" } },
    ]);
    expect(work.actions.map(({ kind, before, after }) => [kind, before, after])).to.deep.equal([
      ["set", "Network", "sec"],
      ["note", null, null],
    ]);
    expect(work.settlement.wakeAtMs).to.equal(NOW_MS);
    expect(work.fields.assignmentGroup?.theirs).to.equal(true);
  });

  it("overwrote_person: is parked where the mode no longer allows it, with its actions left open", () => {
    const settlement = settlementOf(prepared({ ...stands, mode: "observe", edits: { found } }));
    expect(settlement.park?.reason).to.equal("overwrote_person");
    expect(settlement.receipts ?? []).to.deep.equal([]);
  });

  it("history_unreadable: is asked again, and parked with its receipts after the last try", () => {
    expect(prepared({ ...stands, edits: { unknown: ["s"] } })).to.include({ kind: "wait", counts: "attempt" });
    const settlement = settlementOf(prepared({ ...stands, edits: { unknown: ["s"] }, attempts: 7 }));
    expect(settlement.park?.reason).to.equal("history_unreadable");
    expect(settlement.receipts).to.have.length(2);
  });
});

describe("a switch from observe to suggest", () => {
  it("suggests what was decided, and told to nobody, before", () => {
    const observed = settlementOf(prepared({ mode: "observe" }));
    const digest = observed.decided?.outcomeDigest ?? "";
    const memory = { ...memoryOf({}, digest), suggestedDigest: observed.suggestedDigest ?? "" };
    const work = workOf(prepared({ mode: "suggest", memory }));
    const again = { ...memory, suggestedDigest: work.suggests ?? "" };
    expect(prepared({ mode: "suggest", memory: again }).kind).to.equal("settle");
  });

  it("tells a step of a clock once, and does not repeat the suggestion when only a clock went on", () => {
    const others = { sla: NOTING };
    const first = workOf(prepared({ mode: "suggest", others }));
    expect(first.write.note?.text).to.include("step lead");
    const clocks = Object.fromEntries(
      first.settlement.decided?.decision.sla.map(({ clock, memory }) => [clock, memory]) ?? [],
    );
    const outcomeDigest = first.settlement.decided?.outcomeDigest ?? "";
    const memory = { ...memoryOf({}, outcomeDigest), suggestedDigest: first.suggests ?? "", clocks };
    const next = settlementOf(prepared({ mode: "suggest", others, memory }));
    expect(next.decided?.outcomeDigest, "the outcome did change: its step is no news any more").not.to.equal(
      outcomeDigest,
    );
  });

  it("repeats the suggestion once it asks for something else", () => {
    const first = workOf(prepared({ mode: "suggest" }));
    const memory = { ...memoryOf({}), suggestedDigest: first.suggests ?? "" };
    const rules: RuleOf[] = [{ id: "network", when: "true", does: { assign: { group: "Databases" } } }];
    expect(workOf(prepared({ mode: "suggest", memory, rules })).write.note?.text).to.include("-> Databases");
  });
});
