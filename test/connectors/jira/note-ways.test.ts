import { expect } from "chai";
import { installDispatcher } from "../../../connectors/jira/http.ts";
import { NoteWays } from "../../../connectors/jira/note-ways.ts";
import { type JiraSim, startJiraSim } from "../../sim/jira.ts";
import { CALL_TIMEOUT_MS, type OpenedJira, openJira, writeOf } from "../open.ts";

const ABEL = { by: "5b10-abel" };
const INTERNAL = { "interlock.note": { marker: "[il:note]" }, "sd.public.comment": { internal: true } };

for (const deployment of ["cloud", "datacenter"] as const) {
  describe(`Jira connector: notes and customers (${deployment})`, () => {
    let dispatcher: ReturnType<typeof installDispatcher>;
    let sim: JiraSim;
    let opened: OpenedJira;

    beforeEach(async () => {
      dispatcher = installDispatcher(CALL_TIMEOUT_MS);
      const issueTypes = ["Incident"];
      sim = await startJiraSim({
        projects: [
          { key: "OPS", name: "Operations", issueTypes },
          { key: "OFFICE", name: "Office", issueTypes, type: "business" },
          { key: "HELP", name: "Help desk", issueTypes, type: "service_desk" },
          { key: "NEW", name: "Of a type that came later", issueTypes, type: "customer_service" },
        ],
      });
      sim.about.deployment = deployment;
      const auth = { type: "bearer", token: sim.integration.apiToken } as const;
      opened = openJira(sim, { settings: { deployment, auth } });
    });
    afterEach(async () => {
      await opened.connector.close();
      await sim.close();
      await dispatcher.close();
    });

    const issue = (project: string) => sim.create(project, { summary: "Printer on fire", issuetype: "Incident" }, ABEL);
    const write = async ({ id, key }: { id: string; key: string }): Promise<string[]> => {
      const before = sim.requests.length;
      const fields = { labels: { labels: null } };
      const planned = { type: "issue", recordType: "OPS", id, key, fields, note: "Routed. [il:note]" };
      const { applied } = await opened.connector.write(writeOf(opened.clock, "jira", planned));
      expect(applied).to.deep.equal(["labels", "note"]);
      return sim.requests.slice(before).map(({ method }) => method);
    };

    for (const project of ["OPS", "OFFICE"]) {
      it(`one call where there are no customers (${project})`, async () => {
        const found = issue(project);
        await opened.connector.read("issue", [found.id]);
        expect(await write(found)).to.deep.equal(["PUT"]);
        expect(sim.comments(found.id)).to.have.length(1);
      });
    }

    for (const project of ["HELP", "NEW"]) {
      it(`a comment of its own, marked internal, where customers read along or may (${project})`, async () => {
        const found = issue(project);
        await opened.connector.read("issue", [found.id]);
        expect(await write(found)).to.deep.equal(["PUT", "POST"]);
        expect(sim.comments(found.id).map(({ properties }) => properties)).to.deep.equal([INTERNAL]);
        expect(sim.get(found.id)?.properties, "the edit carried no note").to.deep.equal({});
      });
    }

    it("a comment of its own, marked internal, where the type of the project is not known", async () => {
      const found = issue("OPS");
      expect(await write(found)).to.deep.equal(["PUT", "POST"]);
      expect(sim.comments(found.id).map(({ properties }) => properties)).to.deep.equal([INTERNAL]);
    });
  });
}

describe("What is known of projects", () => {
  const saw = (ways: NoteWays, key: string, project?: unknown): void => ways.saw({ key, fields: { project } });

  it("is what the last issue said: nothing, where it named no type", () => {
    const ways = new NoteWays();
    saw(ways, "OPS-1", { projectTypeKey: "software" });
    expect(ways.withEdit("OPS")).to.equal(true);
    saw(ways, "OPS-2", { projectTypeKey: "service_desk" });
    expect(ways.withEdit("OPS")).to.equal(false);
    saw(ways, "OPS-1", { projectTypeKey: "software" });
    saw(ways, "OPS-3");
    expect(ways.withEdit("OPS")).to.equal(false);
  });

  it("is bounded, and what was forgotten counts as a project with customers", () => {
    const ways = new NoteWays();
    for (let n = 0; n <= 1_000; n += 1) saw(ways, `P${n}-1`, { projectTypeKey: "software" });
    expect(ways.withEdit("P1000")).to.equal(true);
    expect(ways.withEdit("P0")).to.equal(false);
  });
});
