import { expect } from "chai";
import PQueue from "p-queue";
import { Limits } from "../../../core/limits.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import type { Connector } from "../../../core/ports.ts";
import { reconcileBatch } from "../../../core/reconcile/batch.ts";
import type { Desk, ReconcileDeps } from "../../../core/reconcile/deps.ts";
import { openSqliteRig, type SqliteRig } from "../../contract/sqlite-rig.ts";
import { action, claimed, type Dump, due, MINUTE } from "../../contract/store-rig.ts";
import { type RecordingLog, recordingLog } from "../../routes/recording-log.ts";

describe("a batch whose connection answers for another instance", () => {
  let rig: SqliteRig;
  let log: RecordingLog;
  /** Whether the right instance answers; a test may change it in the middle of a read. */
  let mayRead: boolean;
  let reads: number;

  beforeEach(async () => {
    rig = await openSqliteRig({ unsynced: true });
    log = recordingLog();
    mayRead = false;
    reads = 0;
  });
  afterEach(() => rig.close());

  function never(name: string): () => Promise<never> {
    return () => Promise.reject(new Error(`the other instance was asked: ${name}`));
  }

  function desk(): Desk {
    const connector: Connector = {
      connection: "snow",
      readMax: 50,
      async read(_type, ids) {
        reads += 1;
        mayRead = false;
        return ids.map((id) => ({ id, found: false }));
      },
      write: never("write"),
      confirm: never("confirm"),
      overwritten: never("overwritten"),
      close: async () => undefined,
    };
    return { connector, mappings: () => new Map() };
  }

  async function reconcile(): Promise<Dump> {
    const claim = await claimed(rig.store);
    await rig.store.intend(claim, [action("a1")], []);
    const { store, clock } = rig;
    const deps: ReconcileDeps = {
      ...{ store, clock, log, desks: new Map(), worker: "w1", limits: Limits.parse({ sweepEveryMs: MINUTE }) },
      ...{ mode: () => "observe", mayRead: () => mayRead, rng: { next: () => 0.5 }, ids: { short: () => "id" } },
      ...{ meter: { count: () => undefined } },
      // Any use of it throws: a decision would be asked for.
      policy: () => new Proxy({} as Policy, { get: () => expect.fail("a decision was asked for") }),
    };
    await reconcileBatch(deps, desk(), [claim], { queue: new PQueue(), stopping: () => false });
    return rig.dump();
  }

  function expectUntouched({ work, actions, tickets }: Dump): void {
    expect(work[0]).to.include({ lease_until: null, parked_at: null, attempts: 0, outages: 0 });
    expect(work[0]).to.include({ due_at: rig.now() + MINUTE, parked_reason: "other_instance" });
    expect(actions[0]).to.include({ state: "open" });
    expect(tickets).to.deep.equal([]);
    expect(log.lines.map(({ level }) => level)).to.deep.equal(["debug"]);
  }

  it("reads nothing, settles no write that is in doubt, and counts no try", async () => {
    expectUntouched(await reconcile());
    expect(reads).to.equal(0);
    rig.advance(MINUTE);
    expect(await due(rig.store)).to.deep.equal(["r1"]);
  });

  it("believes no answer to a read during which that came to light", async () => {
    mayRead = true;
    expectUntouched(await reconcile());
    expect(reads).to.equal(1);
  });
});
