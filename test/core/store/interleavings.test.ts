import fc from "fast-check";
import { type PostgresRigs, postgresRigs } from "../../contract/postgres-rig.ts";
import { openSqliteRig, type SqliteRig } from "../../contract/sqlite-rig.ts";
import { present, wipe } from "../../contract/store-rig.ts";
import { sharedPostgres } from "../../support/postgres.ts";
import { type ModelRig, ModelRun, type Step } from "./model-run.ts";

/** Fixed, so that a run can be told from the next one by its code only; fast-check prints it with what failed. */
const SEED = 20_260_105;
const STEPS_MAX = 25;

const postgres = sharedPostgres();

function constant<K extends string>(name: K): fc.Arbitrary<K> {
  return fc.constant(name);
}

const ticket = fc.nat(3);
/** Mostly one of the latest claims, which still hold; sometimes one that was lost long ago. */
const which = fc.oneof({ weight: 5, arbitrary: fc.nat(2) }, { weight: 1, arbitrary: fc.nat(20) });
const delay = fc.nat(2);
const counts = fc.constantFrom("attempt" as const, "outage" as const, "neither" as const);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: constant("hint"),
      tickets: fc.array(ticket, { minLength: 1, maxLength: 4 }),
      settle: delay,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: constant("claim"),
      limit: fc.integer({ min: 1, max: 4 }),
      lease: fc.integer({ min: 1, max: 2 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: constant("advance"), hours: fc.integer({ min: 1, max: 2 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: constant("settle"), which, wake: fc.option(delay), rest: delay, park: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ do: constant("finish"), which, rest: delay }) },
  { weight: 2, arbitrary: fc.record({ do: constant("retry"), which, delay, counts }) },
  { weight: 2, arbitrary: fc.record({ do: constant("park"), which }) },
  { weight: 1, arbitrary: fc.record({ do: constant("release"), which }) },
  { weight: 2, arbitrary: fc.record({ do: constant("redrive"), ticket }) },
  { weight: 1, arbitrary: fc.record({ do: constant("again"), which }) },
  { weight: 1, arbitrary: fc.record({ do: constant("stray") }) },
  { weight: 1, arbitrary: fc.record({ do: constant("restart") }) },
);

/** Takes stores through random steps beside the model; fails with the seed and the shortest steps that still fail. */
async function interleave(numRuns: number, open: () => Promise<ModelRig>): Promise<void> {
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 5, maxLength: STEPS_MAX, size: "max" }),
    async (steps) => {
      const run = new ModelRun(await open());
      for (const each of steps) await run.step(each);
      await run.drain();
    },
  );
  await fc.assert(property, { numRuns, seed: SEED, endOnFailure: false });
}

describe("SQLite store: random interleavings", () => {
  let rig: SqliteRig;
  before(async () => {
    rig = await openSqliteRig({ unsynced: true });
  });
  after(() => rig.close());

  it("loses no hint, leases no ticket twice and keeps its ledger whole", async function () {
    this.timeout(120_000);
    await interleave(200, async () => {
      await wipe(rig.driver.db);
      return rig;
    });
  });
});

describe("PostgreSQL store: random interleavings", () => {
  let rigs: PostgresRigs | undefined;
  before(async function () {
    rigs = await postgresRigs(await (await postgres(this)).createDatabase());
  });
  after(() => rigs?.end());

  it("loses no hint, leases no ticket twice and keeps its ledger whole", async function () {
    this.timeout(120_000);
    await interleave(30, () => present(rigs).open());
  });
});
