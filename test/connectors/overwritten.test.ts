import { expect } from "chai";
import { installDispatcher } from "../../connectors/jira/http.ts";
import type { FieldWrite, Write } from "../../core/ports.ts";
import { startJiraSim } from "../sim/jira.ts";
import { startServiceNowSim } from "../sim/servicenow.ts";
import { CALL_TIMEOUT_MS, openJira, openServiceNow, standingClock, writeOf } from "./open.ts";

/** The write with what stood there when it was planned. */
function having(write: Write, seen: Record<string, unknown>): Write {
  return { ...write, fields: write.fields.map((field): FieldWrite => ({ ...field, seen })) };
}

describe("ServiceNow connector: edits between a reading and a write", () => {
  const open = async () => {
    const sim = await startServiceNowSim();
    const opened = openServiceNow(sim);
    const { sys_id: id } = sim.insert("incident", { short_description: "Printer on fire" }, { by: "abel.tuter" });
    const planned = { type: "incident", recordType: "incident", id };
    const change = writeOf(standingClock(), "snow", {
      ...planned,
      fields: { group: { assignment_group: { group: "Network" } } },
    });
    return { sim, id, connector: opened.connector, write: having(change, { assignment_group: "" }) };
  };

  it("are not suspected where the counter rose by our own edit only", async () => {
    const { sim, connector, write } = await open();
    expect((await connector.write(write)).raced).to.equal(false);
    await connector.close();
    await sim.close();
  });

  it("are found in the history, with the value to put back", async () => {
    const { sim, connector, write, id } = await open();
    const theirs = sim.group("Security Operations");
    sim.update("incident", id, { assignment_group: theirs }, { by: "beth.anglin" });
    expect((await connector.write(write)).raced).to.equal(true);
    const { found, unknown } = await connector.overwritten([write]);
    expect(unknown).to.be.empty;
    expect(found).to.deep.equal([{ actionId: "group", patch: { assignment_group: theirs }, value: theirs }]);
    await connector.close();
    await sim.close();
  });

  it("of other fields are nobody's loss", async () => {
    const { sim, connector, write, id } = await open();
    sim.update("incident", id, { urgency: "1" }, { by: "beth.anglin" });
    await connector.write(write);
    expect(await connector.overwritten([write])).to.deep.equal({ found: [], unknown: [] });
    await connector.close();
    await sim.close();
  });

  it("cannot be told where the history is hidden", async () => {
    const { sim, connector, write, id } = await open();
    sim.update("incident", id, { assignment_group: sim.group("Security Operations") }, { by: "beth.anglin" });
    await connector.write(write);
    sim.faults.auditHidden = true;
    expect(await connector.overwritten([write])).to.deep.equal({ found: [], unknown: ["group"] });
    await connector.close();
    await sim.close();
  });
});

describe("Jira connector: edits between a reading and a write", () => {
  const open = async () => {
    const dispatcher = installDispatcher(CALL_TIMEOUT_MS);
    const sim = await startJiraSim();
    const { connector } = openJira(sim);
    const { id } = sim.create("OPS", { summary: "Printer on fire", issuetype: "Incident" }, { by: "5b10-abel" });
    const change = writeOf(standingClock(), "jira", {
      type: "issue",
      recordType: "OPS",
      id,
      fields: { group: { customfield_10101: { group: "Network" } } },
    });
    const close = async (): Promise<void> => {
      await connector.close();
      await sim.close();
      await dispatcher.close();
    };
    return { sim, id, connector, close, write: having(change, { customfield_10101: null }) };
  };

  it("are found in the changelog, with the value to put back", async () => {
    const { sim, id, connector, close, write } = await open();
    sim.update(id, { customfield_10101: "Security Operations" }, { by: "5b10-beth" });
    expect((await connector.write(write)).raced, "Jira never says").to.equal(true);
    expect(await connector.overwritten([write])).to.deep.equal({
      found: [
        {
          actionId: "group",
          patch: { customfield_10101: { group: "Security Operations" } },
          value: "Security Operations",
        },
      ],
      unknown: [],
    });
    await close();
  });

  it("are none where our edit replaced what was read", async () => {
    const { connector, close, write } = await open();
    await connector.write(write);
    expect(await connector.overwritten([write])).to.deep.equal({ found: [], unknown: [] });
    await close();
  });

  it("cannot be told where our own edit is not in the changelog yet", async () => {
    const { connector, close, write } = await open();
    expect(await connector.overwritten([write])).to.deep.equal({ found: [], unknown: ["group"] });
    await close();
  });
});
