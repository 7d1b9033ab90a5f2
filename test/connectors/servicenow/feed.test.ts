import { expect } from "chai";
import type { ChangedRecord } from "../../../core/ports.ts";
import { type ServiceNowSim, startServiceNowSim } from "../../sim/servicenow.ts";
import { faultOf, type OpenedServiceNow, openServiceNow } from "../open.ts";

const ABEL = { by: "abel.tuter" };
const START_MS = Date.UTC(2026, 0, 31, 10, 0, 0);

describe("ServiceNow connector: the feed of changes", () => {
  let sim: ServiceNowSim;
  let nowMs: number;
  let hidden: Set<string>;
  let opened: OpenedServiceNow;

  beforeEach(async () => {
    nowMs = START_MS;
    hidden = new Set();
    sim = await startServiceNowSim({ now: () => nowMs, rowAcl: (_user, _table, row) => !hidden.has(row.sys_id) });
    opened = openServiceNow(sim);
    sim.requests.length = 0;
  });
  afterEach(async () => {
    await opened.connector.close();
    await sim.close();
  });

  const incident = (): string => sim.insert("incident", { short_description: "Printer on fire" }, ABEL).sys_id;
  const incidents = (count: number): string[] => Array.from({ length: count }, incident);
  const page = (after?: string, sinceMs = START_MS) => opened.connector.changed("incident", sinceMs, after);
  const all = async (sinceMs = START_MS): Promise<{ records: ChangedRecord[]; pages: number[] }> => {
    const records: ChangedRecord[] = [];
    const pages: number[] = [];
    let next: string | undefined;
    do {
      const found = await page(next, sinceMs);
      records.push(...found.records);
      pages.push(found.records.length);
      next = found.next;
    } while (next !== undefined && pages.length < 50);
    return { records, pages };
  };
  const answer = (result: unknown, headers: Record<string, string> = {}): void =>
    sim.faults.add({ path: /incident/, kind: "status", status: 200, headers, body: { result } });
  const row = (sys_id: string, sys_updated_on: string) => ({
    sys_id,
    number: "INC1",
    sys_mod_count: "0",
    sys_updated_on,
  });
  const [A, B] = ["a".repeat(32), "b".repeat(32)];

  it("tells of every record edited since, oldest first, with its revision and the instance's time", async () => {
    const first = incident();
    nowMs += 60_000;
    const second = incident();
    nowMs += 60_000;
    sim.update("incident", first, { urgency: "1" }, ABEL);
    const { records } = await all();
    expect(records.map(({ id }) => id)).to.deep.equal([second, first]);
    expect(records[1]).to.deep.equal({
      type: "incident",
      id: first,
      key: "INC0010001",
      revision: "1",
      updatedAtMs: START_MS + 120_000,
    });
    expect(opened.calls).to.deep.equal(["feed"]);
  });

  it("goes by whole seconds: an edit in the second it is asked from is told", async () => {
    nowMs = START_MS + 400;
    const id = incident();
    expect((await all(START_MS + 900)).records.map((record) => record.id)).to.deep.equal([id]);
    expect((await all(START_MS + 1_000)).records).to.be.empty;
  });

  it("pages by 200 through records of one second, each once, and ends where the count proves it", async () => {
    const ids = incidents(450);
    const { records, pages } = await all();
    expect(pages).to.deep.equal([200, 200, 50]);
    expect(records.map(({ id }) => id)).to.deep.equal([...ids].sort());
  });

  it("misses nothing that is edited while it pages, and tells of it again where it moved", async () => {
    const ids = incidents(250);
    const first = await page();
    nowMs += 5_000;
    const moved = first.records[0]?.id ?? "";
    sim.update("incident", moved, { urgency: "1" }, ABEL);
    const second = await page(first.next);
    const seen = [...first.records, ...second.records].map(({ id }) => id);
    expect(new Set(seen)).to.deep.equal(new Set(ids));
    expect(seen.at(-1)).to.equal(moved);
  });

  it("does not take a short page for the end: hidden records were taken out after it was cut", async () => {
    const ids = incidents(450).sort();
    for (const id of ids.slice(10, 150)) hidden.add(id);
    const { records } = await all();
    expect(records).to.have.length(310);
  });

  it("does not take an empty page for the end while the count says there is more behind what is hidden", async () => {
    const ids = incidents(700).sort();
    for (const id of ids.slice(0, 500)) hidden.add(id);
    const { records, pages } = await all();
    expect(records.map(({ id }) => id)).to.deep.equal(ids.slice(500));
    expect(Math.max(...pages), "a page never grows beyond 200 records").to.equal(200);
  });

  it("rejected: gives up, with what to do, where nothing but hidden records comes", async () => {
    sim.faults.add({
      path: /incident/,
      kind: "status",
      status: 200,
      times: 20,
      headers: { "x-total-count": "100000" },
      body: { result: [] },
    });
    const fault = await faultOf(all());
    expect(fault).to.include({ kind: "rejected" });
    expect(fault.message).to.contain("in a row from the integration user").and.to.contain("right to read");
    expect(sim.requests).to.have.length(7);
  });

  it("ends with an empty page where a front takes the count away", async () => {
    answer([row(A, "2026-01-31 10:00:00")]);
    const first = await page();
    expect(first.records).to.have.length(1);
    expect(first.next, "one record is no proof of the end").to.be.a("string");
    answer([]);
    expect(await page(first.next)).to.deep.equal({ records: [], next: undefined });
  });

  it("protocol: a row older than asked for, as a query that widened would bring", async () => {
    answer([row(A, "2026-01-31 09:59:59")], { "x-total-count": "1" });
    const fault = await faultOf(page());
    expect(fault).to.include({ kind: "protocol" });
    expect(fault.message).to.contain("was not asked for").and.to.contain("sys_updated_on");
  });

  it("protocol: rows out of order, and rows twice", async () => {
    answer([row(A, "2026-01-31 10:00:05"), row(B, "2026-01-31 10:00:01")]);
    expect(await faultOf(page())).to.include({ kind: "protocol" });
    answer([row(B, "2026-01-31 10:00:05"), row(A, "2026-01-31 10:00:05")]);
    expect(await faultOf(page())).to.include({ kind: "protocol" });
    answer([row(A, "2026-01-31 10:00:05"), row(A, "2026-01-31 10:00:05")]);
    expect(await faultOf(page())).to.include({ kind: "protocol" });
  });

  it("protocol: a page that does not move on", async () => {
    incidents(201);
    const first = await page();
    const last = first.records.at(-1);
    answer([row(last?.id ?? "", "2026-01-31 10:00:00")]);
    expect(await faultOf(page(first.next))).to.include({ kind: "protocol" });
  });

  it("protocol: rows of another form, and times that are none", async () => {
    const wrong = [{}, [null], "text", [{ sys_id: A }], [row(A, "yesterday")], [row(A, "2026-13-41 10:00:00")]];
    for (const result of [...wrong, [row("x", "2026-01-31 10:00:00")]]) {
      answer(result);
      expect(await faultOf(page()), JSON.stringify(result)).to.include({ kind: "protocol" });
    }
  });

  it("rejected: a place to go on from that is none of its own, without a call", async () => {
    for (const after of ["", "x", `2026-01-31 10:00:00 ${A}^active=true 200`, `2026-01-31 10:00:00 ${A} 99999`])
      expect(await faultOf(page(after)), after).to.include({ kind: "rejected" });
    expect(sim.requests).to.be.empty;
  });

  it("rejected: a table that is not configured, without a call", async () => {
    expect(await faultOf(opened.connector.changed("sys_user", START_MS))).to.include({ kind: "rejected" });
    expect(sim.requests).to.be.empty;
  });
});

describe("ServiceNow connector: the identity of the instance", () => {
  let sim: ServiceNowSim;
  let unreadable: Set<string>;
  let opened: OpenedServiceNow;

  beforeEach(async () => {
    unreadable = new Set();
    const rowAcl = (_user: string, table: string, row: Record<string, string>): boolean =>
      table !== "sys_properties" || !unreadable.has(row["name"] ?? "");
    sim = await startServiceNowSim({ rowAcl });
    opened = openServiceNow(sim);
  });
  afterEach(async () => {
    await opened.connector.close();
    await sim.close();
  });

  it("stays the same whatever changes on it, and is another one's after a clone", async () => {
    const before = await opened.connector.identity();
    sim.insert("incident", { short_description: "Printer on fire" }, ABEL);
    expect(await opened.connector.identity()).to.equal(before);
    const id = sim.clone();
    expect(await opened.connector.identity())
      .to.equal(`instance_id:${id}`)
      .and.not.to.equal(before);
  });

  it("is its name where the id cannot be read, and never the address", async () => {
    unreadable.add("instance_id");
    const before = await opened.connector.identity();
    expect(before)
      .to.match(/^instance_name:dev[0-9a-f]{6}$/)
      .and.not.to.contain("127.0.0.1");
    sim.clone();
    expect(await opened.connector.identity()).not.to.equal(before);
  });

  it("rejected: where neither can be read, with the right that is missing", async () => {
    unreadable.add("instance_id").add("instance_name");
    const fault = await faultOf(opened.connector.identity());
    expect(fault).to.include({ kind: "rejected" });
    expect(fault.message).to.contain("instance_id").and.to.contain("integration user");
  });

  it("protocol: a property that was not asked for", async () => {
    const body = {
      result: [
        { name: "instance_id", value: "1" },
        { name: "glide.x", value: "2" },
      ],
    };
    sim.faults.add({ path: /sys_properties/, kind: "status", status: 200, body });
    expect(await faultOf(opened.connector.identity())).to.include({ kind: "protocol" });
  });
});
