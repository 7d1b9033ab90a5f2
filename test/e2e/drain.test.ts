import { expect } from "chai";
import { expectLedgerHolds, expectRouted, onStage, until } from "./stage.ts";

describe("A server that is told to stop while it works", () => {
  it("finishes what is in work, leaves no lease, and the next one does the rest: nothing twice", async () => {
    await onStage({ limits: { actingMax: 2, callsAtOnceMax: 2 } }, async (stage) => {
      const { rig } = stage;
      rig.snow.faults.add({ method: "PATCH", path: /./, kind: "delay", delayMs: 20, times: 1_000 });
      rig.jira.faults.add({ method: "PUT", path: /./, kind: "delay", delayMs: 20, times: 1_000 });
      const tickets = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? stage.snow() : stage.jira()));
      await until("the writing has begun", () => stage.calls("snow", /^PATCH/).length >= 3);
      await rig.restart();
      const [stop] = (await stage.entries()).filter(({ kind }) => kind === "stop");
      expect(stop?.body).to.contain('"released":');
      expect(
        tickets.some((ticket) => ticket.notes().length === 0),
        "it did not wait for everything",
      ).to.equal(true);
      await rig.settled();
      for (const ticket of tickets) expectRouted(ticket);
      expect(await rig.server.store.counts()).to.include({ leased: 0, pending: 0, parked: 0 });
      await expectLedgerHolds(stage);
    });
  });

  it("gives back what a hanging vendor holds after the time for draining, and the next one reads it back", async () => {
    const limits = { drainMs: 50, callTimeoutMs: 600 };
    await onStage({ limits }, async (stage) => {
      stage.rig.snow.faults.add({ method: "PATCH", path: /./, kind: "apply-then-hang" });
      const ticket = stage.snow();
      await until("the write hangs", () => stage.calls("snow", /^PATCH/).length === 1);
      const startMs = Date.now();
      await stage.rig.restart();
      expect(Date.now() - startMs, "the call's own time-out bounds the stop").to.be.below(3_000);
      await stage.rig.settled();
      expectRouted(ticket);
      expect(await stage.kinds(ticket)).to.include("receipt");
    });
  });
});
