/** Each fault of the simulator's list, with the outcome that is documented for it: for reads, for writes, for the feed. */
import { expect } from "chai";
import type { FaultKind } from "../../../core/errors.ts";
import type { FaultSpec } from "../../sim/faults.ts";
import { type ServiceNowSim, startServiceNowSim } from "../../sim/servicenow.ts";
import { faultOf, IMPATIENT_MS, type OpenedServiceNow, openServiceNow, standingClock, writeOf } from "../open.ts";

const ABEL = { by: "abel.tuter" };
const NOTE = "Routed. [il:note]";

interface Outcome {
  kind: FaultKind;
  /** Of a write that ends so. */
  outcome: "not_applied" | "unknown";
  /** Whether the note stands there afterwards. */
  applied: boolean;
}

const partial = { result: [], error: { message: "Transaction cancelled: maximum execution time exceeded" } };
const limited = { message: "Rate limit exceeded", detail: "Rate limit of 100 requests per hour exceeded" };

const FAULTS: Record<string, { spec: Omit<FaultSpec, "path">; end: Outcome }> = {
  drop: { spec: { kind: "hang" }, end: { kind: "unavailable", outcome: "unknown", applied: false } },
  "apply-then-time-out": {
    spec: { kind: "apply-then-hang" },
    end: { kind: "unavailable", outcome: "unknown", applied: true },
  },
  "apply-then-reset": {
    spec: { kind: "apply-then-reset" },
    end: { kind: "unavailable", outcome: "unknown", applied: true },
  },
  "429 of a rate rule": {
    spec: { kind: "status", status: 429, headers: { "retry-after": "30" }, body: { error: limited } },
    end: { kind: "rate_limited", outcome: "not_applied", applied: false },
  },
  "429 of a full queue": {
    spec: { kind: "status", status: 429, body: "" },
    end: { kind: "rate_limited", outcome: "not_applied", applied: false },
  },
  "503": {
    spec: { kind: "status", status: 503 },
    end: { kind: "unavailable", outcome: "unknown", applied: false },
  },
  "503 with Retry-After": {
    spec: { kind: "status", status: 503, headers: { "retry-after": "30" } },
    end: { kind: "unavailable", outcome: "not_applied", applied: false },
  },
  reset: { spec: { kind: "reset" }, end: { kind: "unavailable", outcome: "unknown", applied: false } },
  "HTML 200": { spec: { kind: "html" }, end: { kind: "unavailable", outcome: "unknown", applied: false } },
  "partial 200": {
    spec: { kind: "status", status: 200, body: partial },
    end: { kind: "unavailable", outcome: "unknown", applied: false },
  },
};

describe("ServiceNow connector: each fault of the simulator", () => {
  const clock = standingClock();
  let sim: ServiceNowSim;
  let opened: OpenedServiceNow;
  let id: string;

  beforeEach(async () => {
    sim = await startServiceNowSim({ now: clock.now });
    opened = openServiceNow(sim, { clock });
    id = sim.insert("incident", { short_description: "Printer on fire" }, ABEL).sys_id;
  });
  afterEach(async () => {
    await opened.connector.close();
    await sim.close();
  });

  const reopen = async (options: Parameters<typeof openServiceNow>[1]): Promise<void> => {
    await opened.connector.close();
    opened = openServiceNow(sim, { clock, ...options });
  };
  const meet = async (spec: Omit<FaultSpec, "path">): Promise<void> => {
    if (/hang/.test(spec.kind)) await reopen({ limits: { callTimeoutMs: IMPATIENT_MS } });
    sim.faults.add({ path: /incident/, ...spec });
  };
  const read = () => opened.connector.read("incident", [id]);
  const feed = () => opened.connector.changed("incident", 0);
  const write = () =>
    opened.connector.write(writeOf(clock, "snow", { type: "incident", recordType: "incident", id, note: NOTE }));
  const markers = async (): Promise<unknown> => {
    const ref = { connection: "snow", type: "incident", id, key: "INC0010001" };
    return (await opened.connector.confirm([{ ref, marker: "[il:note]" }])).get("[il:note]");
  };

  for (const [name, { spec, end }] of Object.entries(FAULTS)) {
    it(`${name}: a read is ${end.kind}, never "no such record", and works the next time`, async () => {
      await meet(spec);
      expect(await faultOf(read())).to.include({ kind: end.kind, outcome: "not_applied" });
      clock.pass(30_000);
      expect((await read())[0]).to.include({ found: true });
    });

    it(`${name}: a page of the feed is ${end.kind}, never an empty one`, async () => {
      await meet(spec);
      expect(await faultOf(feed())).to.include({ kind: end.kind, outcome: "not_applied" });
      clock.pass(30_000);
      expect((await feed()).records).to.have.length(1);
    });

    it(`${name}: a write is ${end.kind} and ${end.outcome}; the journal tells ${end.applied ? "that it was" : "that it was not"} applied`, async () => {
      await meet(spec);
      expect(await faultOf(write())).to.include({ kind: end.kind, outcome: end.outcome });
      clock.pass(30_000);
      const other = sim.insert("incident", { short_description: "Another" }, ABEL).sys_id;
      sim.update("incident", other, { work_notes: "So that the journal has an entry" }, ABEL);
      expect(await markers()).to.equal(end.applied ? "present" : "absent");
      expect(sim.journal(id)).to.have.length(end.applied ? 1 : 0);
    });
  }

  it("429 of a rate rule: nothing is asked before the time it names", async () => {
    await meet({ kind: "status", status: 429, headers: { "retry-after": "30" } });
    expect(await faultOf(read())).to.include({ retryAfterMs: 30_000 });
    const asked = sim.requests.length;
    clock.pass(29_999);
    expect(await faultOf(write())).to.include({ kind: "rate_limited", outcome: "not_applied" });
    expect(sim.requests).to.have.length(asked);
  });

  it("429 of a full queue: nothing is asked for the first delay between tries", async () => {
    await meet({ kind: "status", status: 429, body: "" });
    await faultOf(read());
    const asked = sim.requests.length;
    clock.pass(999);
    expect(await faultOf(read())).to.include({ kind: "rate_limited" });
    expect(sim.requests).to.have.length(asked);
  });

  it("slow: what comes within the time of a call is an answer like any other", async () => {
    sim.faults.add({ path: /incident/, kind: "delay", delayMs: 120, times: 3 });
    expect((await read())[0]).to.include({ found: true });
    expect((await feed()).records).to.have.length(1);
    expect((await write()).unconfirmed).to.deep.equal(["note"]);
  });

  it("slow: what comes later is unavailable, and a write is in doubt until the journal is read", async () => {
    await reopen({ limits: { callTimeoutMs: IMPATIENT_MS } });
    sim.faults.add({ method: "PATCH", path: /incident/, kind: "delay", delayMs: IMPATIENT_MS + 100 });
    expect(await faultOf(write())).to.include({ kind: "unavailable", outcome: "unknown" });
  });

  for (const [what, doing] of Object.entries({ read, feed, write }))
    it(`token expiry: a ${what} goes on with a fresh token, and is done once`, async () => {
      const { clientId, clientSecret } = sim.integration;
      await reopen({ auth: { type: "client-credentials", clientId, clientSecret } });
      await read();
      sim.expireTokens();
      sim.requests.length = 0;
      await doing();
      expect(sim.requests.map(({ status }) => status)).to.deep.equal([401, 200, 200]);
      expect(sim.journal(id)).to.have.length(what === "write" ? 1 : 0);
    });

  it("token expiry: a token that is refused again is auth, after one more try only", async () => {
    const { clientId, clientSecret } = sim.integration;
    await reopen({ auth: { type: "client-credentials", clientId, clientSecret } });
    sim.faults.add({ path: /incident/, kind: "status", status: 401, times: 9 });
    expect(await faultOf(write())).to.include({ kind: "auth", outcome: "not_applied" });
    expect(sim.requests.filter(({ method }) => method === "PATCH")).to.have.length(2);
  });

  it("ACL-empty journal: a note is unreadable, not absent, so that nobody writes it again", async () => {
    await write();
    sim.faults.journalHidden = true;
    expect(await markers()).to.equal("unreadable");
    sim.faults.journalHidden = false;
    expect(await markers()).to.equal("present");
  });

  it("ACL-empty journal: a history that cannot be read leaves the edits unknown", async () => {
    const planned = { type: "incident", recordType: "incident", id, fields: { set: { urgency: "1" } } };
    const change = writeOf(clock, "snow", planned);
    await opened.connector.write(change);
    sim.faults.auditHidden = true;
    expect(await opened.connector.overwritten([change])).to.deep.equal({ found: [], unknown: ["set"] });
  });

  it("clone identity: the same records under the same address are another instance", async () => {
    const before = await opened.connector.identity();
    sim.clone();
    expect((await read())[0]).to.include({ found: true });
    expect(await opened.connector.identity()).not.to.equal(before);
  });

  it("clone identity: is unavailable, not another one, while the instance is", async () => {
    for (const spec of [{ kind: "html" }, { kind: "status", status: 503 }, { kind: "reset" }] as const) {
      sim.faults.add({ path: /sys_properties/, ...spec });
      expect(await faultOf(opened.connector.identity())).to.include({ kind: "unavailable" });
    }
  });

  it("an unknown field in a condition, which widens a query, is protocol", async () => {
    sim.insert("incident", { short_description: "Another" }, ABEL);
    const rows = sim.rows("incident").map(({ sys_id, number, sys_mod_count }) => ({ sys_id, number, sys_mod_count }));
    sim.faults.add({ path: /incident/, kind: "status", status: 200, body: { result: rows }, times: 2 });
    expect(await faultOf(read())).to.include({ kind: "protocol" });
    expect(await faultOf(feed())).to.include({ kind: "protocol" });
  });
});
