import { expect } from "chai";
import { onStage, type Stage, until } from "./stage.ts";

/** A person assigns a ticket while our write of the same field is on its way. */
async function race(stage: Stage): Promise<void> {
  stage.rig.snow.faults.add({ method: "PATCH", path: /./, kind: "delay", delayMs: 150 });
  const ticket = stage.snow();
  await until("our write is on its way", () => stage.calls("snow", /^PATCH/).length > 0);
  ticket.assign("Security Operations");
  stage.rig.snow.webhooks.enabled = false;
}

async function parkedReasons(stage: Stage): Promise<string[]> {
  await until("it is parked", async () => (await stage.rig.server.store.counts()).parked > 0);
  return (await stage.rig.server.store.parked(10)).map(({ reason }) => reason);
}

/** What no counter is declared for would throw, and the ticket would fail as a fault of our own. */
async function expectCounted(stage: Stage, known: string): Promise<void> {
  const { metrics } = stage.rig.server;
  expect(await metrics.total("interlock_overwrites_total", { known })).to.be.at.least(1);
  expect(await metrics.total("interlock_failures_total", { kind: "internal" })).to.equal(0);
}

describe("A write that may have replaced a person's edit is counted, and fails for no reason of our own", () => {
  it("where the history shows the edit and it cannot be put back", async () => {
    await onStage({ limits: { attemptsMax: 3 } }, async (stage) => {
      stage.rig.snow.faults.add({ method: "PATCH", path: /./, kind: "status", status: 403, skip: 1, times: 5 });
      await race(stage);
      expect(await parkedReasons(stage)).to.deep.equal(["overwrote_person"]);
      await expectCounted(stage, "true");
    });
  });

  it("where the history cannot be read", async () => {
    await onStage({ limits: { attemptsMax: 3 } }, async (stage) => {
      stage.rig.snow.faults.auditHidden = true;
      await race(stage);
      expect(await parkedReasons(stage)).to.deep.equal(["history_unreadable"]);
      await expectCounted(stage, "false");
    });
  });
});
