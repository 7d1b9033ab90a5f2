import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { coverageAt } from "../../core/advice/calibration/coverage.ts";
import { startServiceNowSim } from "../sim/servicenow.ts";
import { trainAdviser } from "./advice.ts";
import { type ClosedTicket, closedIncidents, closedTickets, fileClosed } from "./closed.ts";
import { readTickets } from "./tickets.ts";

const asText = ({ title, description }: ClosedTicket): string => `${title}\n${description}`;

describe("the closed tickets of the demo", () => {
  const closed = closedTickets();

  it("are the same ones every time, no two alike", () => {
    expect(closedTickets()).to.deep.equal(closed);
    expect(new Set(closed.map(asText)).size)
      .to.equal(closed.length)
      .and.to.be.greaterThan(600);
  });

  it("share no title with the tickets that the model is then asked about", () => {
    const titles = new Set(closed.map(({ title }) => title.toLowerCase()));
    const asked = readTickets().tickets.map((ticket) =>
      ticket.system === "jira" ? ticket.fields.summary : ticket.fields.short_description,
    );
    expect(asked.filter((title) => titles.has(title.toLowerCase()))).to.deep.equal([]);
  });

  it("are read back from the simulated ServiceNow as its people closed them, and teach a model what it may do", async () => {
    const demo = readTickets();
    const snow = await startServiceNowSim({ groups: demo.groups.map((name) => ({ name })) });
    const folder = mkdtempSync(join(tmpdir(), "interlock-closed-"));
    try {
      fileClosed(snow, closed, "abel.tuter");
      const read = closedIncidents(snow);
      const wanted = closed.map((ticket) => ({
        text: asText(ticket),
        labels: { category: ticket.category, assignment_group: ticket.group },
      }));
      expect(read).to.have.deep.members(wanted);
      const { category } = (await trainAdviser(read, folder, 0)).calibrations;
      if (!category) throw new Error("no category was calibrated");
      const acting = coverageAt(category, 500).classes.flatMap(({ label, scoreMin }) =>
        scoreMin === null ? [] : [label],
      );
      expect(acting).to.deep.equal(["access", "hardware", "software"]);
      expect(category.classes.map(({ label }) => label)).to.include.members(["network", "security"]);
    } finally {
      await snow.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
