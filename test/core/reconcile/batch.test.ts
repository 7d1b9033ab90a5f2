import { expect } from "chai";
import PQueue from "p-queue";
import { ConnectorError } from "../../../core/errors.ts";
import { Limits } from "../../../core/limits.ts";
import type { Mapping } from "../../../core/mapping/mapping.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import type { Connector, Write } from "../../../core/ports.ts";
import { reconcileBatch } from "../../../core/reconcile/batch.ts";
import type { Desk, ReconcileDeps } from "../../../core/reconcile/deps.ts";
import { openSqliteRig, type SqliteRig } from "../../contract/sqlite-rig.ts";
import { claimed, claimOne } from "../../contract/store-rig.ts";
import { mappingWith, shippedMapping } from "../support/mappings.ts";
import { type OtherFiles, policyOf } from "../support/policies.ts";

const { mapping, record } = shippedMapping("servicenow.incident");
const UNTOUCHED = { ...record, assignment_group: "", "assignment_group.name": "" };

/** Everything of one test: a real store, and a vendor that keeps what it is asked to write. */
function stageOver(rig: SqliteRig, facts: NonNullable<Desk["facts"]>) {
  const writes: Write[] = [];
  const logged: string[] = [];
  const counted: string[] = [];
  const connector: Connector = {
    connection: "snow",
    readMax: 50,
    read: async (_, ids) =>
      ids.map((id) => ({ id, found: true, key: "INC1", recordType: "incident", revision: "7", record: UNTOUCHED })),
    write: async (write) => {
      writes.push(write);
      const applied = [...write.fields.map(({ actionId }) => actionId), write.note?.actionId ?? ""];
      return { applied, unconfirmed: [], dropped: [], raced: false };
    },
    confirm: async () => new Map(),
    overwritten: async () => ({ found: [], unknown: [] }),
    close: async () => undefined,
  };
  const nothing = (): void => undefined;
  let ids = 0;
  const depsWith = (policy: () => Policy): ReconcileDeps => ({
    ...{
      store: rig.store,
      desks: new Map(),
      policy,
      mayRead: () => true,
      mode: () => "act",
      clock: rig.clock,
      rng: { next: () => 0.5 },
    },
    ids: { short: () => `id${++ids}` },
    log: {
      error: nothing,
      warn: (what, fields) => logged.push(`${what} ${JSON.stringify(fields)}`),
      ...{ info: nothing, debug: nothing },
    },
    meter: { count: (name, labels) => counted.push(`${name} ${JSON.stringify(labels ?? {})}`) },
    ...{ limits: Limits.parse({}), worker: "worker-1" },
  });
  const desk: Desk = { connector, mappings: () => new Map([["incident", mapping]]), facts };
  return { writes, logged, counted, desk, depsWith };
}

function guardedBy(when: string): Policy {
  const demand = { approvers: { group: "CAB" }, before: ["assign"], binds: ["title"], expires: "72h" };
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  return routed({ gates: [{ id: "guard", why: "It says so", when, then: { gate: demand } }] });
}

function routed(others: OtherFiles = {}): Policy {
  return policyOf([{ when: "true", does: { assign: { group: "Network" } } }], undefined, {}, others);
}

describe("a batch of tickets", () => {
  let rig: SqliteRig;
  beforeEach(async () => {
    rig = await openSqliteRig({ unsynced: true });
  });
  afterEach(() => rig.close());

  it("asks each source of facts once; where one fails the fact is not known, and its guard holds the ticket", async () => {
    const asked: string[] = [];
    const stage = stageOver(rig, {
      ci: {
        connection: "snow",
        async ask() {
          asked.push("ci");
          throw new Error("VPN asks for the code again and again");
        },
      },
      spend: {
        connection: "snow",
        async ask() {
          asked.push("spend");
          return { month: 1 };
        },
      },
    });
    const policy = guardedBy('ci.environment == "production" || spend.month > 500');
    const deps = stage.depsWith(() => policy);
    const claim = await claimed(rig.store);
    await reconcileBatch(deps, stage.desk, [claim], { queue: new PQueue(), stopping: () => false });
    expect(asked).to.deep.equal(["ci", "spend"]);
    expect(stage.writes).to.deep.equal([]);
    expect(stage.counted).to.include('interlock_facts_failed_total {"fact":"ci"}');
    const row = (await rig.dump()).work[0];
    expect(row?.["parked_reason"]).to.equal("held");
    expect(JSON.stringify(row)).to.include("rule guard could not be computed: ci is not known");
    expect(stage.logged.join(), "what a source said may be text of a ticket").not.to.include("VPN");
  });

  it("a source that is down lets the ticket be tried again: neither held nor decided without its answer", async () => {
    const down = new ConnectorError({ kind: "unavailable", connection: "cmdb", message: "cmdb did not answer" });
    const stage = stageOver(rig, { ci: { connection: "cmdb", ask: () => Promise.reject(down) } });
    const policy = policyOf([
      { when: 'ci.environment == "production"', does: { assign: { group: "Production" } } },
      { when: "true", does: { assign: { group: "Network" } } },
    ]);
    const claim = await claimed(rig.store);
    const deps = stage.depsWith(() => policy);
    await reconcileBatch(deps, stage.desk, [claim], { queue: new PQueue(), stopping: () => false });
    expect(stage.writes, "the next rule is not the answer to a question that was not answered").to.deep.equal([]);
    expect((await rig.dump()).work[0]).to.include({ parked_at: null, outages: 1 });
    expect(stage.counted).to.include('interlock_failures_total {"kind":"unavailable","connection":"cmdb"}');
  });

  it("a fact that nobody can answer is not asked for again, however often the rules would", async () => {
    const stage = stageOver(rig, {});
    const policy = guardedBy("spend.month > 500");
    const claim = await claimed(rig.store);
    const deps = stage.depsWith(() => policy);
    await reconcileBatch(deps, stage.desk, [claim], { queue: new PQueue(), stopping: () => false });
    expect((await rig.dump()).work[0]?.["parked_reason"]).to.equal("held");
  });

  it("is done by the rules and the mapping with which it was read, though both were replaced meanwhile", async () => {
    const stage = stageOver(rig, {});
    const [old, late] = [routed(), policyOf([{ when: "true", does: { assign: { group: "Elsewhere" } } }])];
    const other = mappingWith({ assignmentGroup: "{ from: u_other_group }" });
    let now: { policy: Policy; mapping: Mapping } = { policy: old, mapping };
    const connector: Connector = {
      ...stage.desk.connector,
      read: (type, ids) => {
        const outcomes = stage.desk.connector.read(type, ids);
        now = { policy: late, mapping: other };
        return outcomes;
      },
    };
    const desk: Desk = { connector, mappings: () => new Map([["incident", now.mapping]]) };
    const deps = stage.depsWith(() => now.policy);
    const acting = { queue: new PQueue(), stopping: () => false };
    await reconcileBatch(deps, desk, [await claimed(rig.store)], acting);
    expect(stage.writes.flatMap(({ fields }) => fields.map(({ after, patch }) => [after, patch]))).to.deep.equal([
      ["Network", { assignment_group: { group: "Network" } }],
    ]);
    const told = (await rig.store.entries(0, 100)).find(({ kind }) => kind === "decision")?.body;
    expect(told).to.include(old.version).and.to.not.include(late.version);
  });

  it("the kill switch is honoured before each write, though it was thrown after the write was planned", async () => {
    const stage = stageOver(rig, {});
    let policy = routed();
    const queue = new PQueue({ autoStart: false });
    const claim = await claimed(rig.store);
    const deps = stage.depsWith(() => policy);
    const done = reconcileBatch(deps, stage.desk, [claim], { queue, stopping: () => false });
    while (queue.size === 0) await new Promise((resolve) => setImmediate(resolve));
    // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
    const rest = { id: "rest", why: "It says so", then: { mode: "act" } };
    policy = routed({ autonomy: { killSwitch: true, default: rest } });
    queue.start();
    await done;
    expect(stage.writes).to.deep.equal([]);
    expect((await rig.dump()).actions, "nothing was intended either").to.deep.equal([]);
    policy = routed();
    const again = await claimOne(rig.store);
    await reconcileBatch(deps, stage.desk, [again], { queue, stopping: () => false });
    expect(stage.writes.flatMap(({ fields }) => fields.map(({ after }) => after))).to.deep.equal(["Network"]);
  });
});
