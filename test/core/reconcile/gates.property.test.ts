import { expect } from "chai";
import fc from "fast-check";
import PQueue from "p-queue";
import type { Mode } from "../../../core/config/settings.ts";
import { Limits } from "../../../core/limits.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import { reconcileBatch } from "../../../core/reconcile/batch.ts";
import type { Desk, ReconcileDeps } from "../../../core/reconcile/deps.ts";
import { openSqliteRig, type SqliteRig } from "../../contract/sqlite-rig.ts";
import { hint } from "../../contract/store-rig.ts";
import { shippedMapping } from "../support/mappings.ts";
import { policyOf } from "../support/policies.ts";
import { ApprovalWorld, type Fault, REQUESTER } from "./approval-world.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const EXPIRES_MS = 24 * HOUR;
const { mapping } = shippedMapping("servicenow.incident");
const gate = {
  approvers: { group: "Board" },
  ...{ before: ["assign"], binds: ["title", "assignmentGroup"], expires: "24h", fallback: { group: "Deputies" } },
};
const POLICY: Policy = policyOf(
  [{ when: "true", does: { assign: { group: "Network" } } }],
  undefined,
  {},
  {
    // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
    gates: [{ id: "board", why: "It says so", when: "true", then: { gate } }],
  },
);

/** One ticket under a gate, on a real store and a vendor that may fail at any call. */
class Stage {
  readonly world: ApprovalWorld;
  readonly #rig: SqliteRig;
  mode: Mode = "act";
  /** What happened that people may rightly be asked anew for. */
  causes = 0;
  #ids = 0;
  #hints = 0;

  constructor(rig: SqliteRig) {
    this.#rig = rig;
    this.world = new ApprovalWorld(rig.now);
  }

  now(): number {
    return this.#rig.now();
  }

  async hint(): Promise<void> {
    this.#hints += 1;
    await this.#rig.store.accept([hint("1", { deliveryId: `d${this.#hints}`, bodyDigest: null })], 0);
  }

  /** Works whatever is due, once. */
  async look(): Promise<void> {
    const claims = await this.#rig.store.claim("worker-1", 10, HOUR);
    if (claims.length === 0) return;
    await reconcileBatch(this.#deps(), this.#desk(), claims, {
      queue: new PQueue({ concurrency: 1 }),
      stopping: () => false,
    });
  }

  advance(ms: number): void {
    this.#rig.advance(ms);
  }

  restart(): Promise<void> {
    return this.#rig.reopen();
  }

  async redrive(): Promise<void> {
    await this.#rig.store.redrive("snow", "INC1", "test");
  }

  /** Ends of rounds by marker, as the ledger has them. */
  async ends(): Promise<Map<string, Set<string>>> {
    const ends = new Map<string, Set<string>>();
    for (const { kind, body } of await this.#rig.store.entries(0, 100_000)) {
      if (kind !== "gate") continue;
      const { event, marker } = JSON.parse(body) as { event: string; marker: string }; // our own strict entry
      if (["granted", "refused", "expired"].includes(event))
        ends.set(marker, (ends.get(marker) ?? new Set()).add(event));
    }
    return ends;
  }

  #desk(): Desk {
    const { connector, approvals } = this.world;
    return { connector, approvals, mappings: () => new Map([["incident", mapping]]) };
  }

  #deps(): ReconcileDeps {
    const nothing = (): void => undefined;
    return {
      ...{ store: this.#rig.store, desks: new Map(), policy: () => POLICY, mayRead: () => true, mode: () => this.mode },
      ...{ clock: this.#rig.clock, rng: { next: () => 0 }, ids: { short: () => `id${++this.#ids}` } },
      log: { error: nothing, warn: nothing, info: nothing, debug: nothing },
      meter: { count: nothing },
      ...{ limits: { ...Limits.parse({}), unknownOutcomeWaitMs: 0 }, worker: "worker-1" },
    };
  }
}

/**
 * Whether somebody who may answer has approved, in time, a request for the title that the ticket had when it was
 * assigned. This is all that the product promises, said without any of its code.
 */
function mayHaveBeenAssigned({ requests }: ApprovalWorld, title: string, atMs: number): boolean {
  return requests.some((request) => {
    const may = request.groups.includes("Deputies") ? ["dora"] : ["ann", "ben"];
    const valid = request.answers.filter(
      ({ answeredById, atMs: givenMs }) =>
        may.includes(answeredById ?? "") && (givenMs ?? 0) < request.atMs + EXPIRES_MS && (givenMs ?? 0) <= atMs,
    );
    return request.title === title && valid.some(({ decision }) => decision === "approved");
  });
}

type Command = fc.AsyncCommand<object, Stage>;

function command(name: string, run: (stage: Stage) => Promise<void> | void): Command {
  return {
    check: () => true,
    run: async (_, stage) => {
      await run(stage);
      await holds(stage);
    },
    toString: () => name,
  };
}

async function holds(stage: Stage): Promise<void> {
  for (const { title, atMs } of stage.world.assigned)
    expect(
      mayHaveBeenAssigned(stage.world, title, atMs),
      `assigned with title ${title} without a valid approval`,
    ).to.equal(true);
  for (const [marker, ends] of await stage.ends()) expect([...ends], marker).to.have.length(1);
  // Nobody is asked again and again for nothing.
  expect(stage.world.requests.length, "rounds").to.be.at.most(1 + stage.causes);
}

const who = fc.constantFrom("ann", "ben", REQUESTER, "bot", "zoe", "dora");
const anyFault: fc.Arbitrary<Fault> = fc.record({
  call: fc.constantFrom<Fault["call"]>("ask", "cancel", "write", "standing", "confirm"),
  after: fc.boolean(),
});
const look = fc.constant(command("look", (stage) => stage.look()));
const COMMANDS: fc.Arbitrary<Command>[] = [
  look,
  look,
  fc.constant(command("hint", (stage) => stage.hint())),
  fc
    .tuple(
      who,
      fc.constantFrom<"approved" | "rejected">("approved", "approved", "rejected"),
      fc.constantFrom<"newest" | "oldest">("newest", "oldest"),
    )
    .map(([by, decision, which]) =>
      command(`${decision} by ${by}, ${which}`, (stage) => stage.world.answer(by, decision, which)),
    ),
  fc.constantFrom("A", "B", "C").map((title) =>
    command(`edit ${title}`, (stage) => {
      stage.causes += 1;
      stage.world.edit(title);
    }),
  ),
  fc.constantFrom(1, 2 * MINUTE, HOUR, 25 * HOUR).map((ms) => command(`wait ${ms}`, (stage) => stage.advance(ms))),
  fc.constant(command("restart", (stage) => stage.restart())),
  fc.constant(
    command("redrive", async (stage) => {
      stage.causes += 1;
      await stage.redrive();
    }),
  ),
  fc.constantFrom<Mode>("act", "act", "observe", "suggest").map((mode) =>
    command(`mode ${mode}`, (stage) => {
      stage.mode = mode;
    }),
  ),
  anyFault.map((fault) =>
    command(`fault ${fault.call} ${fault.after ? "after" : "before"}`, (stage) => {
      stage.causes += 1;
      stage.world.fault = fault;
    }),
  ),
];

/** About ten seconds of them. */
const RUNS = 400;

describe("an approval, in any order of requests, answers, edits, expiries, faults and restarts", () => {
  let rig: SqliteRig;
  beforeEach(async () => {
    rig = await openSqliteRig({ unsynced: true });
  });
  afterEach(() => rig.close());

  it("never lets a guarded effect happen without a valid approval of just that, and never ends in two ways", async function () {
    this.timeout(300_000);
    let assigned = 0;
    let rounds = 0;
    await fc.assert(
      fc.asyncProperty(fc.commands(COMMANDS, { maxCommands: 40, size: "max" }), async (commands) => {
        const own = await openSqliteRig({ unsynced: true });
        const stage = new Stage(own);
        try {
          await stage.hint();
          await stage.look();
          await fc.asyncModelRun(() => ({ model: {}, real: stage }), commands);
          assigned += stage.world.assigned.length;
          rounds += stage.world.requests.length;
        } finally {
          await own.close();
        }
      }),
      { numRuns: RUNS },
    );
    // A world in which nothing ever happens would prove nothing.
    expect(assigned).to.be.greaterThan(RUNS / 80);
    expect(rounds).to.be.greaterThan(RUNS);
  });

  it("is granted, and the effect follows, in the plainest case", async () => {
    const stage = new Stage(rig);
    await stage.hint();
    await stage.look();
    expect(stage.world.requests).to.have.length(1);
    expect(stage.world.notes.join()).to.contain("Asked for approval by Board");
    stage.advance(2 * MINUTE);
    await stage.look();
    expect(stage.world.group).to.equal("");
    stage.world.answer("ann", "approved", "newest");
    stage.advance(2 * MINUTE);
    await stage.look();
    expect(stage.world.group).to.equal("Network");
    expect(stage.world.notes.at(-1)).to.contain("Approved by ann").and.to.contain("-> Network");
    await stage.hint();
    stage.advance(2 * MINUTE);
    await stage.look();
    expect([stage.world.requests.length, stage.world.notes.length]).to.deep.equal([1, 2]);
  });

  it("is void once a bound field changes, and asked again", async () => {
    const stage = new Stage(rig);
    await stage.hint();
    await stage.look();
    stage.world.answer("ann", "approved", "newest");
    stage.world.edit("B");
    stage.advance(2 * MINUTE);
    await stage.look();
    expect([stage.world.group, stage.world.requests.length, stage.world.requests[0]?.cancelled]).to.deep.equal([
      "",
      2,
      true,
    ]);
    stage.world.answer("ben", "approved", "newest");
    stage.advance(2 * MINUTE);
    await stage.look();
    expect(stage.world.group).to.equal("Network");
  });

  it("of the requester or the integration account counts for nothing, and the ticket says so once", async () => {
    const stage = new Stage(rig);
    await stage.hint();
    await stage.look();
    stage.world.answer(REQUESTER, "approved", "newest");
    stage.world.answer("bot", "approved", "newest");
    for (let looks = 0; looks < 3; looks += 1) {
      stage.advance(2 * MINUTE);
      await stage.look();
    }
    expect(stage.world.group).to.equal("");
    expect(stage.world.notes).to.have.length(2);
    expect(stage.world.notes[1]).to.contain("nobody approves their own request").and.to.contain("it never answers");
  });
});
