import { expect } from "chai";
import type { Swept } from "../../core/sweep/schedule.ts";
import { edited, type FakeFeed, fakeFeed } from "../core/sweep/fake-feed.ts";
import { ADMIN_TOKEN, type Ingress, startIngress } from "../routes/ingress.ts";
import { type Ended, run } from "./command.ts";

describe("interlock sweep and interlock identity", function () {
  this.timeout(60_000);
  let ingress: Ingress;
  let feed: FakeFeed;

  beforeEach(async () => {
    feed = fakeFeed();
    ingress = await startIngress({ swept: new Map<string, Swept>([["snow", { feed, recordTypes: ["incident"] }]]) });
    // The sweep of the start is over before anything is there to be found.
    await ingress.sweeping.api.sweep();
  });
  afterEach(() => ingress.close());

  const call = (...args: string[]): Promise<Ended> =>
    run([...args, "--server", ingress.url], { env: { INTERLOCK_ADMIN_TOKEN: ADMIN_TOKEN } });

  it("sweeps through the running server and says what was found, or what kept it from it", async () => {
    feed.records = [edited("r1", Date.now() - 1_000)];
    const found = await call("sweep");
    expect(found.stdout).to.equal("snow/incident: 1 new changes seen, 1 of them signalled.\n");
    expect(found.code).to.equal(0);
    feed.fault = "auth";
    const failed = await call("sweep");
    expect(failed.stdout).to.match(/^snow\/incident: not swept \(auth\): /);
    expect(failed.code).to.equal(1);
  });

  it("reports what is missing, with exit code 1", async () => {
    const whole = await call("sweep", "--report", "--json");
    expect(JSON.parse(whole.stdout)).to.include({ missing: 0 });
    expect(whole.code).to.equal(0);
    const longAgoMs = Date.now() - 3_600_000;
    const lost = { ticket: "snow/incident/lost", revision: "7", updatedAtMs: longAgoMs, seenAtMs: longAgoMs };
    const nobody = { foundBy: "sweep", webhookAtMs: null, signalAtMs: longAgoMs, signals: 3 } as const;
    const mark = { connection: "snow", recordType: "incident", value: "{}" };
    await ingress.store.recordSwept([{ ...lost, ...nobody, nearOwnWrite: false }], mark);
    const report = await call("sweep", "--report");
    expect(report.stdout).to.match(/^missing: snow\/incident\/lost$/m);
    expect(report.stdout).to.match(/^1 missing\.$/m);
    expect(report.code).to.equal(1);
  });

  it("confirms the instance that answers, and says which it is", async () => {
    feed.instance = "a clone";
    const confirmed = await call("identity", "confirm", "snow");
    expect(confirmed.stdout).to.equal("snow belongs to a clone from now on, and may write.\n");
    expect(confirmed.code).to.equal(0);
    expect((await call("identity", "confirm", "other")).code).to.equal(1);
  });

  it("is wrong usage where --since has nothing to tell of", async () => {
    expect((await call("sweep", "--since", "2026-01-31T09:00:00Z")).code).to.equal(2);
  });
});
