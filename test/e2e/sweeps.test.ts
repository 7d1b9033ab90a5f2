import { expect } from "chai";
import { expectRouted, onStage, type Stage } from "./stage.ts";

/** No webhook arrives, as with a rule that somebody switched off. */
function deaf({ rig }: Stage): void {
  rig.snow.webhooks.enabled = false;
  rig.jira.webhooks.enabled = false;
}

describe("Without any webhook", () => {
  it("tickets of both systems are found by a sweep, routed, and counted as found by it", async () => {
    await onStage({}, async (stage) => {
      deaf(stage);
      const tickets = [stage.snow(), stage.jira()];
      await stage.rig.server.sweeps.sweep();
      await stage.rig.settled();
      for (const ticket of tickets) expectRouted(ticket);
      await stage.rig.server.sweeps.sweep();
      await stage.rig.settled();
      const { missing, types } = await stage.rig.server.sweeps.completeness(Date.now() - 120_000);
      expect(missing).to.equal(0);
      const found = types.map(({ connection, recordType, foundOnlyBySweep }) => [
        connection,
        recordType,
        foundOnlyBySweep,
      ]);
      expect(found).to.deep.include.members([
        ["snow", "change_request", 0],
        ["jira", "CHG", 0],
      ]);
      for (const name of ["incident", "OPS"])
        expect(types.find(({ recordType }) => recordType === name)?.changed).to.be.at.least(1);
      expect(await stage.rig.server.store.counts()).to.include({ parked: 0, pending: 0 });
    });
  });

  it("a change that comes with its webhook is not worked on twice", async () => {
    await onStage({}, async (stage) => {
      const ticket = stage.snow();
      await stage.rig.settled();
      await stage.rig.server.sweeps.sweep();
      await stage.rig.settled();
      expect(ticket.notes()).to.have.length(1);
    });
  });
});
