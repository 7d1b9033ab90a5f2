import { expect } from "chai";
import { recordingLog } from "../routes/recording-log.ts";
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

  it("where it is put back, which is counted too", async () => {
    await onStage({}, async (stage) => {
      await race(stage);
      const { metrics } = stage.rig.server;
      await until("it is put back", async () => (await metrics.total("interlock_given_back_total")) > 0);
      await expectCounted(stage, "true");
      expect(await metrics.total("interlock_given_back_total", { connection: "snow" })).to.equal(1);
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

describe("A system that cannot be reached", () => {
  it("has its cause in the log and in what is known of the ticket: kind, status, host, tries and the next one", async () => {
    const log = recordingLog();
    await onStage({ limits: { retryBaseMs: 60_000, retryCapMs: 60_000 }, deps: { log } }, async (stage) => {
      stage.rig.snow.faults.add({ method: "GET", path: /table\/incident/, kind: "status", status: 503, times: 5 });
      const ticket = stage.snow();
      const line = () => log.lines.find(({ message }) => message === "a ticket will be tried again");
      await until("it will be tried again", () => line() !== undefined);
      const host = new URL(stage.rig.snow.url).host;
      expect(line()?.fields).to.include({ kind: "unavailable", status: 503, host, ticket: ticket.name, tries: 1 });
      expect(line()?.fields["nextTryInMs"]).to.be.within(1, 60_000);
      const view = await stage.rig.server.store.view("snow", ticket.id);
      expect(view?.failing).to.include({ reason: "unavailable", outages: 1 });
      expect(view?.failing?.detail).to.contain("503");
    });
  });
});
