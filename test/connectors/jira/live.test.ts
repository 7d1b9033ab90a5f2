import { expect } from "chai";
import { type CallDispatcher, installDispatcher } from "../../../connectors/jira/http.ts";
import { type JiraInspection, jiraInspection } from "../../../connectors/jira/inspect.ts";
import { answerJira } from "../../../connectors/jira/live.ts";
import type { LiveQuestion } from "../../../core/live/answer.ts";
import { type JiraSim, startJiraSim } from "../../sim/jira.ts";
import { CALL_TIMEOUT_MS, faultOf, standingClock } from "../open.ts";

const ABEL = { by: "5b10-abel" };
const PEOPLE = [
  { accountId: "5b10-abel", displayName: "Abel Tuter", emailAddress: "abel.tuter@example.com" },
  { accountId: "5b10-gone", displayName: "Old Boss", emailAddress: "old.boss@example.com", active: false },
];
const OPS = {
  record: "OPS",
  fields: ["summary", "customfield_19999"],
  lists: ["status.name", "priority.name", "customfield_10104.value"],
};
const QUESTION: LiveQuestion = {
  groups: ["Network", "Nowhere"],
  people: ["5b10-abel", "5b10-gone", "abel.tuter@example.com", "abel.tutor@example.com", "abel.tuter"],
  mentions: ["Network", "Abel Tuter", "Nobody"],
  records: [OPS, { record: "NONE", fields: [], lists: [] }],
};

for (const deployment of ["cloud", "datacenter"] as const)
  describe(`what a Jira site answers about names (${deployment})`, () => {
    let dispatcher: CallDispatcher;
    let sim: JiraSim;
    let jira: JiraInspection;

    beforeEach(async () => {
      dispatcher = installDispatcher(CALL_TIMEOUT_MS);
      sim = await startJiraSim({ users: PEOPLE });
      sim.about.deployment = deployment;
      sim.create("OPS", { summary: "x", issuetype: "Incident" }, ABEL);
      const { email, apiToken } = sim.integration;
      const auth =
        deployment === "cloud"
          ? ({ type: "basic", email, apiToken } as const)
          : ({ type: "bearer", token: apiToken } as const);
      const automation: string[] = [];
      const settings = {
        type: "jira",
        deployment,
        baseUrl: sim.url,
        allowPrivateAddress: true,
        auth,
        automation,
        records: {},
      } as const;
      jira = jiraInspection("jira", settings, standingClock());
    });
    afterEach(async () => {
      await sim.close();
      await dispatcher.close();
    });

    it("groups, people and mentions", async () => {
      const { groups, people, mentions } = await answerJira(jira, QUESTION);
      expect([...(groups?.standing ?? [])]).to.deep.equal([
        ["Network", "active"],
        ["Nowhere", "unknown"],
      ]);
      expect(groups?.similar).to.deep.equal(["Service Desk", "Network", "Security Operations"]);
      expect([...(mentions?.standing.values() ?? [])]).to.deep.equal(["active", "active", "unknown"]);
      const stand = Object.fromEntries(people?.standing ?? []);
      // A Data Center names people by user name, which an account id is not.
      expect(stand).to.deep.equal({
        "5b10-abel": deployment === "cloud" ? "active" : "unknown",
        "5b10-gone": deployment === "cloud" ? "inactive" : "unknown",
        "abel.tuter@example.com": "active",
        "abel.tutor@example.com": "unknown",
        "abel.tuter": deployment === "cloud" ? "unknown" : "active",
      });
      expect(people?.similar).to.include("abel.tuter@example.com");
    });

    it("projects: unknown fields, statuses and options", async () => {
      const { records, unseen } = await answerJira(jira, QUESTION);
      const answer = records.get("OPS");
      expect([...(answer?.fields?.unknown ?? [])]).to.deep.equal(["customfield_19999"]);
      expect(answer?.lists.get("status.name")?.offered).to.include("Canceled");
      expect(answer?.lists.get("priority.name")?.offered).to.include("Highest");
      expect(answer?.lists.get("customfield_10104.value")?.offered).to.include("Network");
      expect(records.get("NONE")?.gone?.what).to.match(/no such project/);
      expect(unseen).to.deep.equal([]);
    });

    it("what cannot be looked into is told, and never taken for what is not there", async () => {
      sim.admin.permissions.delete("USER_PICKER");
      sim.admin.offScreen.add("customfield_10104");
      const { groups, people, records, unseen } = await answerJira(jira, {
        ...QUESTION,
        records: [OPS, { ...OPS, record: "CHG" }],
      });
      expect([groups, people]).to.deep.equal([undefined, undefined]);
      expect(records.get("OPS")?.lists.has("customfield_10104.value")).to.equal(false);
      expect(unseen).to.deep.equal([
        "groups and people (give the account the global permission Browse users and groups)",
        "OPS: the options of customfield_10104 (not on the edit screen of its newest issue)",
        "CHG: its options (the account sees no issue of it to look at)",
      ]);
    });

    it("a system that breaks off has not answered", async () => {
      sim.faults.add({ path: /\/field$/, kind: "status", status: 503 });
      expect((await faultOf(answerJira(jira, QUESTION))).kind).to.equal("unavailable");
    });
  });
