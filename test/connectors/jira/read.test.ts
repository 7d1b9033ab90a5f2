import { expect } from "chai";
import { installDispatcher } from "../../../connectors/jira/http.ts";
import { readAdf } from "../../../core/mapping/transforms.ts";
import { type JiraSim, startJiraSim } from "../../sim/jira.ts";
import { CALL_TIMEOUT_MS, faultOf, type Opened, openJira } from "../open.ts";

const ABEL = { by: "5b10-abel" };

describe("Jira connector: reading", () => {
  let dispatcher: ReturnType<typeof installDispatcher>;
  let sim: JiraSim;
  let opened: Opened;

  beforeEach(async () => {
    dispatcher = installDispatcher(CALL_TIMEOUT_MS);
    sim = await startJiraSim();
    opened = openJira(sim);
  });
  afterEach(async () => {
    await opened.connector.close();
    await sim.close();
    await dispatcher.close();
  });

  const issue = (fields: Record<string, unknown> = {}, project = "OPS") =>
    sim.create(project, { summary: "Printer on fire", issuetype: "Incident", ...fields }, ABEL);
  const answer = (body: unknown): void => sim.faults.add({ path: /bulkfetch/, kind: "status", status: 200, body });

  it("takes 100 issues in one call, in the order asked", async () => {
    const ids = Array.from({ length: 100 }, () => issue().id).reverse();
    const outcomes = await opened.connector.read("issue", ids);
    expect(opened.connector.readMax).to.equal(100);
    expect(sim.requests).to.have.length(1);
    expect(outcomes.map(({ id }) => id)).to.deep.equal(ids);
    expect(outcomes.every(({ found }) => found)).to.equal(true);
  });

  it("gives the project as the record's type, and the fields that the mapping needs", async () => {
    const { id } = issue({ summary: "Change the switch", issuetype: "Change", assignee: "5b10-beth" }, "CHG");
    const [outcome] = await opened.connector.read("issue", [id]);
    expect(outcome).to.include({ found: true, key: "CHG-1", recordType: "CHG" });
    expect(outcome).to.have.nested.property("record.summary", "Change the switch");
    expect(outcome).to.have.nested.property("record.status.name", "Draft");
    expect(outcome).to.have.nested.property("record.assignee.emailAddress", "beth.anglin@example.com");
    expect(outcome).to.have.nested.property("record.key", "CHG-1");
    expect(outcome).to.not.have.nested.property("record.priority");
  });

  it("reads a description as a document, which is text afterwards", async () => {
    const { id } = issue({ description: "It smokes.\nIt smells." });
    const [outcome] = await opened.connector.read("issue", [id]);
    expect(outcome).to.have.nested.property("record.description.type", "doc");
    const record = outcome?.found ? outcome.record : {};
    expect(readAdf(record, "description")).to.equal("It smokes.\nIt smells.");
  });

  it("takes the time of the last change as the revision", async () => {
    const { id } = issue();
    const [outcome] = await opened.connector.read("issue", [id]);
    expect(outcome).to.have.property("revision", sim.get(id)?.fields["updated"]);
  });

  it("finds nothing under the id of an issue that is gone, and everything else", async () => {
    const [kept, removed] = [issue(), issue()];
    sim.remove(removed.id);
    const outcomes = await opened.connector.read("issue", [removed.id, kept.id, "999999"]);
    expect(outcomes.map(({ found }) => found)).to.deep.equal([false, true, false]);
  });

  it("takes issues that Jira could not read just now as its trouble, not as missing", async () => {
    const { id } = issue();
    const other = { id: "77", key: "OPS-77", fields: { updated: "2026-01-31T10:00:00.000+0000" } };
    answer({ expand: "", issues: [other], issueErrors: [{ id, errorMessage: "Try again" }] });
    const [unread, read, missing] = await opened.connector.read("issue", [id, "77", "99"]);
    expect(unread).to.have.nested.property("fault.kind", "unavailable");
    expect(read).to.include({ found: true, key: "OPS-77" });
    expect(missing).to.deep.equal({ id: "99", found: false });
  });

  it("takes nothing as missing where Jira does not say which issues it could not read", async () => {
    const { id } = issue();
    answer({ expand: "", issues: [], issueErrors: [{ errorMessage: "Try again" }] });
    const [unread] = await opened.connector.read("issue", [id]);
    expect(unread).to.have.nested.property("fault.kind", "unavailable");
  });

  it("never takes an answer without a list as an empty list", async () => {
    const { id } = issue();
    for (const body of [{}, { issues: null }, { nonsense: 1 }, "null", "[]", { issues: [{ id }] }]) {
      answer(body);
      expect(await faultOf(opened.connector.read("issue", [id])), JSON.stringify(body)).to.include({
        kind: "unavailable",
      });
    }
  });

  it("says once where an answer has a form that jira.js does not know, and never what stood there", async () => {
    const { id } = issue();
    const odd = { id, key: "OPS-1", fields: { summary: "Ms. Winter's printer" }, expand: 5, names: "Ms. Winter" };
    for (let n = 0; n < 3; n += 1) {
      answer({ issues: [odd], issueErrors: [] });
      await opened.connector.read("issue", [id]);
    }
    const warnings = opened.log.lines.filter(({ level }) => level === "warn");
    expect(warnings).to.not.be.empty;
    expect(new Set(warnings.map((line) => JSON.stringify(line))).size).to.equal(warnings.length);
    expect(opened.log.text()).to.not.contain("Winter");
  });

  it("knows a dead token by its header, also where the answer looks like an empty site", async () => {
    const { id } = issue();
    await opened.connector.close();
    opened = openJira(sim, { apiToken: "a-token-that-was-revoked" });
    const fault = await faultOf(opened.connector.read("issue", [id]));
    expect(sim.requests.at(-1), "the site answered as if there were no such issue").to.include({
      status: 200,
      user: "",
    });
    expect(fault).to.include({ kind: "auth" });
    expect(fault.message).to.contain("make a new API token").and.to.not.contain("a-token-that-was-revoked");
  });
});
