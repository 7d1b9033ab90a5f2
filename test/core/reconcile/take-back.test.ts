import { expect } from "chai";
import fc from "fast-check";
import PQueue from "p-queue";
import type { Mode } from "../../../core/config/settings.ts";
import { Limits } from "../../../core/limits.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import { reconcileBatch } from "../../../core/reconcile/batch.ts";
import type { Desk, ReconcileDeps } from "../../../core/reconcile/deps.ts";
import { endsAfter } from "../../../core/reconcile/take-back.ts";
import type { RevocationView } from "../../../core/store/undoing.ts";
import { openSqliteRig, type SqliteRig } from "../../contract/sqlite-rig.ts";
import { HOUR, hint, MINUTE, present } from "../../contract/store-rig.ts";
import { shippedMapping } from "../support/mappings.ts";
import { policyOf } from "../support/policies.ts";
import { ApprovalWorld, type Fault } from "./approval-world.ts";

const { mapping } = shippedMapping("servicenow.incident");
const RULES = [{ id: "network", when: "true", does: { assign: { group: "Network" } } }];
const OPEN: Policy = policyOf(RULES);
const gate = { approvers: { group: "Board" }, before: ["assign"], binds: ["title"], expires: "24h" };
const GATED: Policy = policyOf(
  RULES,
  undefined,
  {},
  {
    // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
    gates: [{ id: "board", why: "It says so", when: "true", then: { gate } }],
  },
);
const CORRECTION = "Interlock took back what it did here";

describe("what became of actions that a write has undone", () => {
  it("is what its receipts say: what the vendor dropped stays, with the vendor's reason", () => {
    const end = (actionId: string, by: string | undefined) => ({
      ...{ actionId, revocation: "rev1", state: "restored" as const, reason: "", by },
    });
    const ends = endsAfter(
      [end("a1", "u1"), end("a2", "u2"), end("a3", undefined)],
      [
        { actionId: "u1", outcome: "applied", detail: "" },
        { actionId: "u2", outcome: "dropped", detail: "kept the old group" },
      ],
    );
    expect(ends).to.deep.equal([
      { actionId: "a1", revocation: "rev1", state: "restored", reason: "" },
      { actionId: "a2", revocation: "rev1", state: "kept", reason: "kept the old group" },
      { actionId: "a3", revocation: "rev1", state: "restored", reason: "" },
    ]);
  });
});

/** One ticket on a real store, and a vendor that may fail at any call. */
class Stage {
  readonly world: ApprovalWorld;
  readonly rig: SqliteRig;
  mode: Mode = "act";
  /** Called whenever the mode is looked up anew. */
  refreshed: () => void = () => undefined;
  /** What a person set last. */
  person: string | undefined;
  readonly #policy: Policy;
  #ids = 0;
  #hints = 0;

  constructor(rig: SqliteRig, policy: Policy = OPEN) {
    this.rig = rig;
    this.#policy = policy;
    this.world = new ApprovalWorld(rig.now);
  }

  async hint(): Promise<void> {
    this.#hints += 1;
    await this.rig.store.accept([hint("1", { deliveryId: `d${this.#hints}`, bodyDigest: null })], 0);
  }

  /** Works whatever is due, as long as something is. */
  async looks(most = 6): Promise<void> {
    for (let look = 0; look < most; look += 1) {
      const claims = await this.rig.store.claim("worker-1", 10, HOUR);
      if (claims.length === 0) return;
      const acting = { queue: new PQueue({ concurrency: 1 }), stopping: () => false };
      await reconcileBatch(this.#deps(), this.#desk(), claims, acting);
    }
  }

  async settle(): Promise<void> {
    this.world.fault = undefined;
    for (let round = 0; round < 4; round += 1) {
      await this.looks();
      this.rig.advance(10 * MINUTE);
    }
  }

  async revoke(id = "rev1", rule = "network"): Promise<void> {
    await this.rig.store.revoke({ id, selector: { rule }, by: "ann", reason: "" }, 100);
  }

  async view(id = "rev1"): Promise<RevocationView> {
    return present(await this.rig.store.revocation(id));
  }

  edit(group: string): void {
    this.person = group;
    if (this.world.group === group) return;
    this.world.group = group;
    this.world.revision += 1;
  }

  corrections(): string[] {
    return this.world.notes.filter((note) => note.startsWith(CORRECTION));
  }

  #desk(): Desk {
    const { connector, approvals } = this.world;
    return { connector, approvals, mappings: () => new Map([["incident", mapping]]) };
  }

  #deps(): ReconcileDeps {
    const nothing = (): void => undefined;
    return {
      ...{ store: this.rig.store, desks: new Map(), policy: () => this.#policy, mayRead: () => true },
      mode: () => this.mode,
      refreshMode: async () => this.refreshed(),
      ...{ clock: this.rig.clock, rng: { next: () => 0 }, ids: { short: () => `id${++this.#ids}` } },
      log: { error: nothing, warn: nothing, info: nothing, debug: nothing },
      meter: { count: nothing },
      limits: { ...Limits.parse({}), unknownOutcomeWaitMs: 0, outageAttemptsMax: 10_000, attemptsMax: 10_000 },
      worker: "worker-1",
    };
  }
}

describe("taking back", () => {
  let rig: SqliteRig;
  beforeEach(async () => {
    rig = await openSqliteRig({ unsynced: true });
  });
  afterEach(() => rig.close());

  async function routed(policy?: Policy): Promise<Stage> {
    const stage = new Stage(rig, policy);
    await stage.hint();
    await stage.looks();
    return stage;
  }

  for (const call of ["write", "confirm"] as const)
    for (const after of [false, true])
      for (const restarts of [false, true])
        it(`is done once, with one note, though the ${call} fails ${after ? "after" : "before"} its effect${restarts ? " and the process dies" : ""}`, async () => {
          const stage = await routed();
          await stage.revoke();
          stage.world.fault = { call, after };
          await stage.looks(1);
          if (restarts) await rig.reopen();
          await stage.settle();
          expect(stage.world.group).to.equal("");
          expect(stage.corrections()).to.have.length(1);
          expect(await stage.view()).to.include({ wanted: 0, restored: 1, corrected: 1, kept: 0 });
          expect((await rig.dump()).actions.filter(({ state }) => state === "open")).to.deep.equal([]);
        });

  it("waits for the mode, and goes on by itself once that allows it", async () => {
    const stage = await routed();
    stage.mode = "observe";
    await stage.revoke();
    await stage.settle();
    expect(stage.world.group).to.equal("Network");
    expect(await stage.view()).to.include({ wanted: 2 });
    stage.mode = "act";
    await stage.settle();
    expect(stage.world.group).to.equal("");
    expect(await stage.view()).to.include({ wanted: 0, restored: 1, corrected: 1 });
  });

  it("takes a request back, which is not made again before what it was about changes", async () => {
    const stage = await routed(GATED);
    expect(stage.world.requests.map(({ cancelled }) => cancelled)).to.deep.equal([false]);
    await stage.revoke("rev1", "board");
    await stage.settle();
    expect(stage.world.requests.map(({ cancelled }) => cancelled)).to.deep.equal([true]);
    expect(stage.corrections()[0]).to.contain("The request for approval is taken back (rule board)");
    const view = await stage.view();
    expect(view).to.include({ wanted: 0, restored: 1, kept: 0 });
    await stage.hint();
    await stage.settle();
    expect(stage.world.requests, "not asked again").to.have.length(1);
    expect(stage.world.group, "what waits for it goes on waiting").to.equal("");
    expect((await rig.store.parked(10))[0]).to.include({ reason: "approval_expired" });
    stage.world.edit("B");
    await stage.hint();
    await stage.settle();
    expect(stage.world.requests.map(({ cancelled }) => cancelled)).to.deep.equal([true, false]);
  });

  it("leaves an approval that was given in the meantime", async () => {
    const stage = await routed(GATED);
    rig.advance(MINUTE);
    stage.world.answer("ann", "approved", "newest");
    await stage.revoke("rev1", "board");
    await stage.settle();
    expect(await stage.view()).to.include({ wanted: 0, restored: 0, kept: 1 });
    expect(stage.world.group).to.equal("Network");
  });

  it("writes nothing any more once the mode is lowered, be it between two calls of one write", async () => {
    for (let lowerAt = 1; lowerAt <= 3; lowerAt += 1) {
      await rig.close();
      rig = await openSqliteRig({ unsynced: true });
      const stage = new Stage(rig, GATED);
      let looked = 0;
      // First with the read, then before the intent, then before each call.
      stage.refreshed = () => {
        if (looked === lowerAt) stage.mode = "observe";
        looked += 1;
      };
      await stage.hint();
      await stage.looks(1);
      expect(stage.world.requests, `lowered at look ${lowerAt}`).to.have.length(lowerAt < 3 ? 0 : 1);
      expect(stage.world.notes).to.deep.equal([]);
      stage.refreshed = () => undefined;
      await stage.settle();
      expect(stage.world.notes, "still").to.deep.equal([]);
      stage.mode = "act";
      await stage.hint();
      await stage.settle();
      expect(stage.world.requests, "asked once in all").to.have.length(1);
      expect(stage.world.notes.filter((note) => note.includes("Asked for approval"))).to.have.length(1);
    }
  });

  it("never takes what a person set, ends everything, and says it once, in any order of edits, faults and restarts", async function () {
    this.timeout(60_000);
    const anyFault: fc.Arbitrary<Fault> = fc.record({
      call: fc.constantFrom<Fault["call"]>("write", "confirm"),
      after: fc.boolean(),
    });
    const step = fc.oneof(
      fc.constant("look" as const),
      fc.constant("look" as const),
      fc.constant("hint" as const),
      fc.constant("revoke" as const),
      fc.constant("restart" as const),
      fc.constantFrom("observe" as const, "act" as const),
      fc.constantFrom("Hardware", "Mail").map((edit) => ({ edit })),
      anyFault.map((fault) => ({ fault })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
        await rig.close();
        rig = await openSqliteRig({ unsynced: true });
        const stage = new Stage(rig);
        let revocations = 0;
        await stage.hint();
        for (const each of [...steps, "act" as const]) {
          if (each === "look") await stage.looks(1);
          else if (each === "hint") await stage.hint();
          else if (each === "restart") await rig.reopen();
          else if (each === "observe" || each === "act") stage.mode = each;
          else if (each === "revoke") {
            revocations += 1;
            await stage.revoke(`rev${revocations}`);
          } else if ("edit" in each) stage.edit(each.edit);
          else stage.world.fault = each.fault;
          rig.advance(MINUTE);
          if (stage.person !== undefined) expect(stage.world.group).to.equal(stage.person);
        }
        await stage.settle();
        if (stage.person !== undefined) expect(stage.world.group).to.equal(stage.person);
        const { revoked } = await rig.dump();
        expect(revoked.filter(({ state }) => state === "wanted")).to.deep.equal([]);
        const sets = revoked.filter(({ state }) => state === "restored");
        if (sets.length > 0 && stage.person === undefined) expect(stage.world.group).to.equal("");
        if (revoked.length === 0) expect(stage.corrections()).to.deep.equal([]);
        expect(stage.corrections().length).to.be.at.most(new Set(revoked.map(({ revocation }) => revocation)).size);
      }),
      { numRuns: 150 },
    );
  });
});
