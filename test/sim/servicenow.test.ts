import { expect } from "chai";
import type { ServiceNowSim } from "./servicenow.ts";
import { startServiceNowSim } from "./servicenow.ts";
import { at, callServiceNow } from "./wire.ts";

const ABEL = { by: "abel.tuter" };
const T0 = Date.UTC(2026, 0, 31, 10, 15, 30, 999);

describe("ServiceNow simulator: Table API", () => {
  let sim: ServiceNowSim;
  let nowMs: number;

  beforeEach(async () => {
    nowMs = T0;
    sim = await startServiceNowSim({ now: () => nowMs, forbiddenFields: { incident: ["correlation_id"] } });
  });
  afterEach(() => sim.close());

  const incident = (fields: Record<string, string> = {}): string =>
    sim.insert("incident", { short_description: "Printer on fire", ...fields }, ABEL).sys_id;

  describe("values", () => {
    it("are strings, and empty ones are empty strings", async () => {
      const { body } = await callServiceNow(sim, `/api/now/table/incident/${incident()}`);
      const { opened_by, sys_domain, ...scalars } = Object(at(body, "result"));
      for (const [name, value] of Object.entries(scalars)) expect(value, name).to.be.a("string");
      expect(opened_by).to.deep.equal({
        link: `${sim.url}/api/now/table/sys_user/${sim.user("abel.tuter")}`,
        value: sim.user("abel.tuter"),
      });
      expect(sys_domain).to.include({ value: "global" });
      expect(scalars).to.include({ active: "true", assigned_to: "", sys_mod_count: "0", work_notes: "" });
    });

    it("start with the defaults of the table", () => {
      expect(sim.get("incident", incident())).to.include({
        number: "INC0010001",
        state: "1",
        incident_state: "1",
        impact: "3",
        urgency: "3",
        priority: "5",
        sys_created_by: "abel.tuter",
        sys_created_on: "2026-01-31 10:15:30",
        opened_at: "2026-01-31 10:15:30",
      });
      expect(sim.insert("change_request", {}, ABEL)).to.include({ number: "CHG0010001", state: "-5", type: "normal" });
      expect(sim.insert("sc_req_item", {}, ABEL)).to.include({ number: "RITM0010001", state: "1" });
    });

    it("come with labels on demand, and with both", async () => {
      const id = incident({ assignment_group: sim.group("Network"), state: "2" });
      const fields = "sysparm_fields=state,assignment_group,caller_id";
      const link = `${sim.url}/api/now/table/sys_user_group/${sim.group("Network")}`;
      const labels = await callServiceNow(sim, `/api/now/table/incident/${id}?${fields}&sysparm_display_value=true`);
      expect(labels.body).to.deep.equal({
        result: { state: "In Progress", assignment_group: { display_value: "Network", link }, caller_id: "" },
      });
      const both = await callServiceNow(sim, `/api/now/table/incident/${id}?${fields}&sysparm_display_value=all`);
      expect(both.body).to.deep.equal({
        result: {
          state: { display_value: "In Progress", value: "2" },
          assignment_group: { display_value: "Network", link, value: sim.group("Network") },
          caller_id: { display_value: "", value: "" },
        },
      });
    });

    it("of references lose their link on demand", async () => {
      const id = incident({ assignment_group: sim.group("Network") });
      const query = "?sysparm_fields=assignment_group&sysparm_exclude_reference_link=true";
      const { body } = await callServiceNow(sim, `/api/now/table/incident/${id}${query}`);
      expect(body).to.deep.equal({ result: { assignment_group: sim.group("Network") } });
    });

    it("over references come under flat keys, and unknown names are dropped", async () => {
      const id = incident({ assignment_group: sim.group("Network") });
      const query = "?sysparm_fields=number,assignment_group.name,caller_id.user_name,opened_by.email,bogus,bogus.name";
      const { body } = await callServiceNow(sim, `/api/now/table/incident/${id}${query}`);
      expect(body).to.deep.equal({
        result: {
          number: "INC0010001",
          "assignment_group.name": "Network",
          "caller_id.user_name": "",
          "opened_by.email": "abel.tuter@example.com",
        },
      });
    });
  });

  describe("lists", () => {
    const list = async (query: string, path = "/api/now/table/incident"): Promise<string[]> => {
      const { body } = await callServiceNow(sim, `${path}?sysparm_fields=number&${query}`);
      const result = at(body, "result");
      return Array.isArray(result) ? result.map((row) => String(at(row, "number"))) : [];
    };

    it("page with limit and offset, and say how many there are", async () => {
      for (let i = 0; i < 5; i += 1) incident();
      const answer = await callServiceNow(sim, "/api/now/table/incident?sysparm_limit=2&sysparm_offset=2");
      expect(at(answer.body, "result")).to.have.lengthOf(2);
      expect(answer.headers.get("x-total-count")).to.equal("5");
      const links = answer.headers.get("link") ?? "";
      const rels = [...links.matchAll(/sysparm_offset=(\d+)>;rel="(\w+)"/g)].map(
        ([, offset, rel]) => `${rel} ${offset}`,
      );
      expect(rels).to.deep.equal(["first 0", "prev 0", "next 4", "last 4"]);
    });

    it("leave the count and the links out on demand", async () => {
      const query = "?sysparm_no_count=true&sysparm_suppress_pagination_header=true";
      const { headers } = await callServiceNow(sim, `/api/now/table/incident${query}`);
      expect(headers.get("x-total-count")).to.equal(null);
      expect(headers.get("link")).to.equal(null);
    });

    it("are found by sys_id, by dotted field, by changed time, and in order", async () => {
      const first = incident({ assignment_group: sim.group("Network") });
      nowMs += 60_000;
      const second = incident();
      expect(await list(`sysparm_query=sys_idIN${second},${first}^ORDERBYnumber`)).to.deep.equal([
        "INC0010001",
        "INC0010002",
      ]);
      expect(await list("sysparm_query=assignment_group.name=Network")).to.deep.equal(["INC0010001"]);
      expect(await list("sysparm_query=sys_updated_on>=2026-01-31 10:16:00")).to.deep.equal(["INC0010002"]);
      expect(await list("sysparm_query=ORDERBYDESCsys_updated_on")).to.deep.equal(["INC0010002", "INC0010001"]);
      expect(await list("number=INC0010002")).to.deep.equal(["INC0010002"]);
    });

    it("widen on an unknown field, or come empty under the instance's property", async () => {
      incident();
      incident();
      expect(await list("sysparm_query=asignment_group=nothing")).to.have.lengthOf(2);
      sim.faults.invalidQueryReturnsNoRows = true;
      expect(await list("sysparm_query=asignment_group=nothing")).to.have.lengthOf(0);
    });

    it("of a parent table hold the children, with the parent's fields", async () => {
      incident();
      sim.insert("change_request", { short_description: "New router" }, ABEL);
      expect(await list("sysparm_query=ORDERBYnumber", "/api/now/table/task")).to.deep.equal([
        "CHG0010001",
        "INC0010001",
      ]);
      const { body } = await callServiceNow(
        sim,
        "/api/now/table/task?sysparm_fields=sys_class_name,caller_id&sysparm_limit=1",
      );
      expect(at(body, "result", "0")).to.have.all.keys("sys_class_name");
    });

    it("of v1 are a 404 when empty, and an empty list in v2 and without a version", async () => {
      expect((await callServiceNow(sim, "/api/now/v1/table/incident")).status).to.equal(404);
      for (const path of ["/api/now/v2/table/incident", "/api/now/table/incident"]) {
        expect((await callServiceNow(sim, path)).body).to.deep.equal({ result: [] });
      }
    });

    it("of choices carry the numbers and labels of a state", async () => {
      const query = "sysparm_query=name=incident^element=state^inactive=false^language=en^ORDERBYsequence";
      const { body } = await callServiceNow(sim, `/api/now/table/sys_choice?sysparm_fields=value,label&${query}`);
      expect(at(body, "result", "0")).to.deep.equal({ value: "1", label: "New" });
      expect(at(body, "result")).to.have.lengthOf(6);
    });
  });

  describe("row ACLs", () => {
    it("are applied after the page was cut: a short page while more follow, and a 404 for the row", async () => {
      await sim.close();
      sim = await startServiceNowSim({
        rowAcl: (_user, table, row) => table !== "incident" || row["number"] !== "INC0010001",
      });
      const hidden = incident();
      incident();
      const page = await callServiceNow(sim, "/api/now/table/incident?sysparm_limit=1");
      expect(page.body).to.deep.equal({ result: [] });
      expect(page.headers.get("x-total-count")).to.equal("2");
      expect((await callServiceNow(sim, `/api/now/table/incident/${hidden}`)).status).to.equal(404);
    });
  });

  describe("refusals", () => {
    it("are worded as the API words them", async () => {
      const missing = await callServiceNow(sim, "/api/now/table/incident/0123456789abcdef0123456789abcdef");
      expect(missing.status).to.equal(404);
      expect(missing.body).to.deep.equal({
        error: { message: "No Record found", detail: "Record doesn't exist or ACL restricts the record retrieval" },
        status: "failure",
      });
      const table = await callServiceNow(sim, "/api/now/table/incidents");
      expect(table.status).to.equal(400);
      expect(table.body).to.deep.equal({
        error: { message: "Invalid table incidents", detail: null },
        status: "failure",
      });
      const route = await callServiceNow(sim, "/api/now/tables/incident");
      expect(route.status).to.equal(400);
      expect(at(route.body, "error", "message")).to.equal("Requested URI does not represent any resource");
    });

    it("include bodies that are not one JSON object", async () => {
      const path = "/api/now/table/incident";
      expect((await callServiceNow(sim, path, { method: "POST", body: "{" })).status).to.equal(400);
      expect((await callServiceNow(sim, path, { method: "POST", body: [{}] })).status).to.equal(400);
      const headers = { "content-type": "text/plain" };
      expect((await callServiceNow(sim, path, { method: "POST", body: "{}", headers })).status).to.equal(415);
      expect((await callServiceNow(sim, path, { headers: { accept: "application/xml" } })).status).to.equal(406);
    });
  });
});
