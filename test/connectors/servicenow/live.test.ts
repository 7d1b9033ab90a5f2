import { expect } from "chai";
import type { ServiceNowClient } from "../../../connectors/servicenow/client.ts";
import { type Inspection, inspection } from "../../../connectors/servicenow/inspect.ts";
import { answerServiceNow } from "../../../connectors/servicenow/live.ts";
import { groupsStanding, peopleStanding } from "../../../connectors/servicenow/standing.ts";
import type { LiveQuestion } from "../../../core/live/answer.ts";
import type { Row, ServiceNowSim } from "../../sim/servicenow.ts";
import { startServiceNowSim } from "../../sim/servicenow.ts";
import { faultOf, standingClock } from "../open.ts";
import { bareClient } from "./bare-client.ts";

const ABEL = { by: "abel.tuter" };
const NOTHING: LiveQuestion = { groups: [], people: [], mentions: [], records: [] };

describe("what a ServiceNow instance answers about names", () => {
  let sim: ServiceNowSim;
  let client: ServiceNowClient;
  let ours: Inspection;
  let hidden: (table: string, row: Row) => boolean;

  beforeEach(async () => {
    hidden = () => false;
    sim = await startServiceNowSim({
      rowAcl: (user, table, row) => user !== sim.integration.user || !hidden(table, row),
    });
    const bare = bareClient(sim, standingClock());
    client = bare.client;
    ours = inspection("snow", client);
  });
  afterEach(async () => {
    await client.close();
    await sim.close();
  });

  const group = (name: string, fields: Record<string, string | boolean> = {}): unknown =>
    sim.insert("sys_user_group", { name, ...fields }, ABEL);
  const calls = (table: string): string[] =>
    sim.requests.map(({ path }) => path).filter((path) => path.includes(`/table/${table}?`));

  it("groups: by exact name, whatever is in it that a list cannot carry", async () => {
    group("Sales, Retail & Co");
    group("Closed Down", { active: false });
    group("Twice");
    group("Twice");
    const asked = [
      "Network",
      "network",
      "Sales, Retail & Co",
      "Closed Down",
      "Twice",
      "Nowhere",
      "a^b",
      "javascript:x",
    ];
    const { standing, similar } = await groupsStanding(ours, asked);
    expect(Object.fromEntries(standing)).to.deep.equal({
      Network: "active",
      network: "unknown",
      "Sales, Retail & Co": "active",
      "Closed Down": "inactive",
      Twice: "several",
      Nowhere: "unknown",
      "a^b": "unaskable",
      "javascript:x": "unaskable",
    });
    expect(similar).to.include("Network").and.to.not.include("Closed Down");
    expect(calls("sys_user_group")).to.have.length(2);
  });

  it("groups: many names in few calls, with addresses that fronts let through", async () => {
    const names = Array.from({ length: 90 }, (_, at) => `${at} ${"ä".repeat(at % 20)} group`);
    for (const name of names) group(name);
    const { standing } = await groupsStanding(ours, names);
    expect(new Set(standing.values())).to.deep.equal(new Set(["active"]));
    expect(calls("sys_user_group").length).to.be.within(5, 15);
    for (const path of calls("sys_user_group")) expect(path.length).to.be.below(2_000);
  });

  it("people: by sys_id, e-mail or user name, and in mentions by what they are called", async () => {
    sim.insert(
      "sys_user",
      { user_name: "old.boss", name: "Old Boss", email: "old.boss@example.com", active: false },
      ABEL,
    );
    const id = sim.user("abel.tuter");
    const asked = [id, "Abel.Tuter@example.com", "beth.anglin", "old.boss", "Beth Anglin"];
    const { standing } = await peopleStanding(ours, asked);
    expect([...standing.values()]).to.deep.equal(["active", "active", "active", "inactive", "unknown"]);
    const named = await peopleStanding(ours, ["Beth Anglin", "Old Boss", "Nobody Here"], true);
    expect([...named.standing.values()]).to.deep.equal(["active", "inactive", "unknown"]);
    expect((await peopleStanding(ours, ["beth.angling"])).similar).to.include("beth.anglin");
  });

  it("a record type: unknown fields, and choices with those that were retired", async () => {
    const retired = {
      name: "incident",
      element: "category",
      value: "telex",
      label: "Telex",
      inactive: true,
      language: "en",
    };
    sim.insert("sys_choice", retired, ABEL);
    const record = {
      record: "incident",
      fields: ["state", "caller_id.email", "u_odd"],
      lists: ["category", "subcategory"],
    };
    const { records, unseen } = await answerServiceNow(ours, { ...NOTHING, records: [record] });
    const answer = records.get("incident");
    expect([...(answer?.fields?.unknown ?? [])]).to.deep.equal(["u_odd"]);
    expect(answer?.lists.get("category")?.offered).to.include("network").and.to.not.include("telex");
    expect(answer?.lists.get("category")?.retired).to.deep.equal(["telex"]);
    expect(answer?.lists.has("subcategory")).to.equal(false);
    expect(unseen).to.deep.equal([]);
  });

  it("what its account may not see is told, and never taken for what is not there", async () => {
    hidden = (table) => ["sys_user_group", "sys_choice", "sys_dictionary"].includes(table);
    const record = { record: "incident", fields: ["state"], lists: ["state"] };
    const asked = { ...NOTHING, groups: ["Network"], records: [record] };
    const { groups, records, unseen } = await answerServiceNow(ours, asked);
    expect([groups, records.get("incident")?.fields]).to.deep.equal([undefined, undefined]);
    expect(unseen.join("\n")).to.match(/groups \(sys_user_group shows none at all.*\nincident: its fields and choices/);
    hidden = (table, row) =>
      table === "sys_choice" || (table === "sys_user" && row["user_name"] !== sim.integration.user);
    const other = await answerServiceNow(ours, { ...asked, people: ["beth.anglin"] });
    expect(other.people).to.equal(undefined);
    expect(other.unseen.join("\n")).to.match(
      /people \(sys_user shows nobody.*\nincident: its choices \(sys_choice shows none/,
    );
    sim.faults.add({ path: /sys_user_group/, kind: "status", status: 403 });
    const refused = await answerServiceNow(ours, asked);
    expect(refused.unseen[0]).to.match(/^groups \(snow answered inspect with 403/);
  });

  it("a system that breaks off has not answered", async () => {
    sim.faults.add({ path: /sys_choice/, kind: "status", status: 503 });
    const record = { record: "incident", fields: ["state"], lists: ["state"] };
    const fault = await faultOf(answerServiceNow(ours, { ...NOTHING, records: [record] }));
    expect(fault.kind).to.equal("unavailable");
  });

  it("names beyond what one run asks for are told", async () => {
    const groups = Array.from({ length: 1_001 }, (_, at) => `Group ${at}`);
    const answer = await answerServiceNow(ours, { ...NOTHING, groups });
    expect(answer.unseen).to.deep.equal(["groups beyond the first 1000, of 1001"]);
    expect(answer.groups?.standing.size).to.equal(1_000);
    expect(calls("sys_user_group").length).to.be.at.most(60);
  });
});
