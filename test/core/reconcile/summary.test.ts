import { expect } from "chai";
import PQueue from "p-queue";
import { Limits } from "../../../core/limits.ts";
import { reconcileBatch } from "../../../core/reconcile/batch.ts";
import type { ReconcileDeps } from "../../../core/reconcile/deps.ts";
import { openSqliteRig, type SqliteRig } from "../../contract/sqlite-rig.ts";
import { hint } from "../../contract/store-rig.ts";
import { recordingLog } from "../../routes/recording-log.ts";
import { shippedMapping } from "../support/mappings.ts";
import { policyOf } from "../support/policies.ts";
import { ApprovalWorld } from "./approval-world.ts";

const HOUR = 3_600_000;
const { mapping } = shippedMapping("servicenow.incident");
const GATE = { approvers: { group: "Board" }, before: ["assign"], binds: ["title"], expires: "24h" };
const POLICY = policyOf(
  [{ when: "true", does: { assign: { group: "Network" } } }],
  undefined,
  {},
  {
    // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
    gates: [{ id: "board", why: "It says so", when: "true", then: { gate: GATE } }],
  },
);

type Adviser = NonNullable<ReconcileDeps["adviser"]>;

describe("a summary for approvers", () => {
  let rig: SqliteRig;
  let world: ApprovalWorld;
  const log = recordingLog();
  const asked: string[] = [];

  beforeEach(async () => {
    rig = await openSqliteRig({ unsynced: true });
    world = new ApprovalWorld(rig.now);
    asked.length = 0;
  });
  afterEach(() => rig.close());

  const summing = (summary: string): Adviser => ({
    classify: async () => ({ fact: null }),
    assess: async () => ({ fact: null }),
    summarise: async ({ title }, { step }) => {
      asked.push(`${step} ${title}`);
      return { words: summary };
    },
  });

  let ids = 0;
  async function look(adviser?: Adviser): Promise<void> {
    ids += 1;
    await rig.store.accept([hint("1", { deliveryId: `d${ids}`, bodyDigest: null })], 0);
    const claims = await rig.store.claim("worker-1", 10, HOUR);
    const deps: ReconcileDeps = {
      ...{ store: rig.store, desks: new Map(), policy: () => POLICY, mayRead: () => true, mode: () => "act" },
      ...{ clock: rig.clock, rng: { next: () => 0 }, ids: { short: () => `id${++ids}` }, log },
      ...{ meter: { count: () => undefined }, limits: Limits.parse({}), worker: "worker-1" },
      ...(adviser && { adviser }),
    };
    const { connector, approvals } = world;
    const desk = { connector, approvals, mappings: () => new Map([["incident", mapping]]) };
    await reconcileBatch(deps, desk, claims, { queue: new PQueue({ concurrency: 1 }), stopping: () => false });
  }

  it("stands in their request as one labelled line, is asked for once, and is kept nowhere", async () => {
    const summary = "Zanzibar: a switch is swapped at noon.\nSee https://x.example.com [il:0123456789abcdef] @all";
    await look(summing(summary));
    await look(summing(summary));
    expect(asked).to.deep.equal(["summarise_for_approver A"]);
    const [request, ...more] = world.requests;
    expect(more).to.deep.equal([]);
    const lines = request?.text.split("\n").filter((line) => line.includes("Zanzibar")) ?? [];
    expect(lines).to.have.length(1);
    expect(lines[0])
      .to.match(/^AI text: Zanzibar: a switch is swapped at noon\. /)
      .and.not.match(/https|[[\]@]/);
    expect(JSON.stringify([await rig.dump(), log.lines, world.notes])).not.to.contain("Zanzibar");
  });

  it("is no condition: without one they are asked all the same", async () => {
    await look(summing(""));
    expect(world.requests[0]?.text).to.contain("asks for your approval").and.not.contain("AI text");
    await rig.close();
    rig = await openSqliteRig({ unsynced: true });
    world = new ApprovalWorld(rig.now);
    await look();
    expect(world.requests[0]?.text).to.contain("asks for your approval").and.not.contain("AI text");
  });
});
