import { expect } from "chai";
import { Limits } from "../../../core/limits.ts";
import { keepLeases } from "../../../core/reconcile/leases.ts";
import type { Claim } from "../../../core/store/store.ts";
import { openSqliteRig, type SqliteRig } from "../../contract/sqlite-rig.ts";
import { claimed, LEASE } from "../../contract/store-rig.ts";

const NO_LOG = { error() {}, warn() {}, info() {}, debug() {} };

describe("the leases of a batch in work", () => {
  let rig: SqliteRig;
  let claim: Claim;
  beforeEach(async () => {
    rig = await openSqliteRig();
    claim = await claimed(rig.store);
  });
  afterEach(() => rig.close());

  /** Lets so many thirds of a lease pass while the claim is held. */
  async function hold(thirds: number, leaseRenewalsMax: number): Promise<void> {
    const over = new AbortController();
    let passed = 0;
    const clock = {
      now: () => rig.now(),
      async sleep(ms: number): Promise<void> {
        if (passed >= thirds) over.abort();
        else rig.advance(ms);
        passed += 1;
      },
    };
    const limits = Limits.parse({ leaseMs: LEASE, leaseRenewalsMax });
    await keepLeases({ store: rig.store, clock, limits, log: NO_LOG }, new Map([[claim.ticket, claim]]), over.signal);
  }

  it("are renewed, however long the batch takes: no other worker gets its tickets", async () => {
    await hold(20, 30);
    expect(await rig.store.claim("worker-2", 10, LEASE)).to.deep.equal([]);
    expect(await rig.store.finish(claim)).to.equal(true);
  });

  it("are renewed a bounded number of times: what hangs for ever comes into other hands", async () => {
    await hold(20, 5);
    expect(await rig.store.claim("worker-2", 10, LEASE)).to.have.length(1);
    expect(await rig.store.finish(claim)).to.equal(false);
  });

  it("are left alone once they are another worker's", async () => {
    rig.advance(LEASE);
    const [taken] = await rig.store.claim("worker-2", 10, LEASE);
    await hold(6, 30);
    expect((await rig.store.claim("worker-3", 10, LEASE)).map(({ ticket }) => ticket)).to.deep.equal([taken?.ticket]);
  });
});
