import { expect } from "chai";
import { adfFromText } from "./adf.ts";
import type { JiraSim } from "./jira.ts";
import { startJiraSim } from "./jira.ts";
import type { WireAnswer } from "./wire.ts";
import { at, callJira } from "./wire.ts";

const ABEL = { by: "5b10-abel" };

describe("Jira simulator: transitions", () => {
  let sim: JiraSim;

  beforeEach(async () => {
    sim = await startJiraSim();
    sim.create("OPS", { summary: "Printer on fire", issuetype: "Incident" }, ABEL);
  });
  afterEach(() => sim.close());

  const post = (path: string, body: unknown): Promise<WireAnswer> => callJira(sim, path, { method: "POST", body });
  const field = (name: string): unknown => at(sim.get("OPS-1")?.fields, name);

  const path = "/rest/api/3/issue/OPS-1/transitions";
  const names = async (): Promise<unknown[]> => {
    const transitions = at((await callJira(sim, path)).body, "transitions");
    return Array.isArray(transitions) ? transitions.map((transition) => at(transition, "to", "name")) : [];
  };

  it("offer what the status allows, move with 204, and set the resolution", async () => {
    expect(await names()).to.deep.equal(["In Progress", "Pending", "Resolved", "Canceled"]);
    expect((await post(path, { transition: { id: "31" } })).status).to.equal(204);
    expect(field("status")).to.include({ name: "Resolved" });
    expect(at(field("status"), "statusCategory", "key")).to.equal("done");
    expect(field("resolution")).to.include({ name: "Done" });
    expect(await names()).to.deep.equal(["Closed", "In Progress"]);
    await post(path, { transition: { id: "51" } });
    expect(field("resolution")).to.equal(null);
  });

  it("refuse what is missing or not available, and conflict on demand", async () => {
    const missing = await post(path, {});
    expect(missing.status).to.equal(400);
    expect(at(missing.body, "errorMessages")).to.deep.equal(["Missing 'transition' identifier"]);
    expect((await post(path, { transition: { id: "41" } })).status).to.equal(400);
    sim.faults.add({ method: "POST", path: /transitions/, kind: "status", status: 409 });
    expect((await post(path, { transition: { id: "31" } })).status).to.equal(409);
    expect(field("status")).to.include({ name: "Open" });
  });

  it("carry fields and a comment", async () => {
    const update = { comment: [{ add: { body: adfFromText("done") } }] };
    await post(path, { transition: { id: "31" }, fields: { resolution: { name: "Won't Do" } }, update });
    expect(field("resolution")).to.include({ name: "Won't Do" });
    expect(sim.comments("OPS-1").map(({ text }) => text)).to.deep.equal(["done"]);
  });

  it("bind people too", () => {
    expect(() => sim.transition("OPS-1", "Closed", ABEL)).to.throw("OPS-1 cannot go from Open to Closed");
    sim.transition("OPS-1", "Resolved", ABEL);
    sim.transition("OPS-1", "Closed", ABEL);
    const change = sim.create("CHG", { summary: "New router", issuetype: "Change" }, ABEL).key;
    for (const status of ["Review", "Awaiting approval", "Scheduled", "Implementing", "Completed"]) {
      sim.transition(change, status, ABEL);
    }
    expect(at(sim.get(change)?.fields, "status", "name")).to.equal("Completed");
  });
});
