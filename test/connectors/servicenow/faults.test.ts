import { createServer } from "node:http";
import { expect } from "chai";
import type { FaultKind } from "../../../core/errors.ts";
import type { FaultSpec } from "../../sim/faults.ts";
import { type ServiceNowSim, startServiceNowSim } from "../../sim/servicenow.ts";
import {
  closedPort,
  expectEveryKind,
  faultOf,
  IMPATIENT_MS,
  listening,
  type Opened,
  openServiceNow,
  writeOf,
} from "../open.ts";

const ABEL = { by: "abel.tuter" };
const TICKET_TEXT = "Printer of Ms. Winter on fire";

interface Case {
  name: string;
  spec: Omit<FaultSpec, "path">;
  kind: FaultKind;
  /** Of a write that ends so. */
  outcome: "not_applied" | "unknown";
}

const vendorError = { error: { message: TICKET_TEXT, detail: TICKET_TEXT }, status: "failure" };
const status = (code: number): Omit<FaultSpec, "path"> => ({ kind: "status", status: code, body: vendorError });
const later = (code: number): Omit<FaultSpec, "path"> => ({ ...status(code), headers: { "retry-after": "1" } });
const cut = { kind: "status", status: 200, body: { result: [], ...vendorError } } as const;

const CASES: Case[] = [
  { name: "401", spec: status(401), kind: "auth", outcome: "not_applied" },
  { name: "403", spec: status(403), kind: "rejected", outcome: "not_applied" },
  { name: "400", spec: status(400), kind: "rejected", outcome: "not_applied" },
  { name: "404", spec: status(404), kind: "not_found", outcome: "not_applied" },
  { name: "409", spec: status(409), kind: "conflict", outcome: "not_applied" },
  { name: "429", spec: status(429), kind: "rate_limited", outcome: "not_applied" },
  { name: "503 of a gateway, without a word on when", spec: status(503), kind: "unavailable", outcome: "unknown" },
  { name: "503 with Retry-After", spec: later(503), kind: "unavailable", outcome: "not_applied" },
  { name: "408", spec: status(408), kind: "unavailable", outcome: "unknown" },
  { name: "408 with Retry-After", spec: later(408), kind: "unavailable", outcome: "not_applied" },
  { name: "500", spec: status(500), kind: "unavailable", outcome: "unknown" },
  { name: "502 of a gateway", spec: status(502), kind: "unavailable", outcome: "unknown" },
  { name: "504 of a gateway", spec: status(504), kind: "unavailable", outcome: "unknown" },
  { name: "HTML with 200 (a sleeping instance)", spec: { kind: "html" }, kind: "unavailable", outcome: "unknown" },
  { name: "a redirect to a login page", spec: { kind: "html", status: 302 }, kind: "unavailable", outcome: "unknown" },
  { name: "an error beside the result (cut transaction)", spec: cut, kind: "unavailable", outcome: "unknown" },
  {
    name: "JSON that breaks off",
    spec: { kind: "status", status: 200, headers: { "content-type": "application/json" }, body: '{"result":[{' },
    kind: "unavailable",
    outcome: "unknown",
  },
  { name: "no body", spec: { kind: "status", status: 204, body: "" }, kind: "unavailable", outcome: "unknown" },
  {
    name: "JSON without a result",
    spec: { kind: "status", status: 202, body: { accepted: true } },
    kind: "protocol",
    outcome: "unknown",
  },
  { name: "a reset connection", spec: { kind: "reset" }, kind: "unavailable", outcome: "unknown" },
  { name: "no answer in time", spec: { kind: "hang" }, kind: "unavailable", outcome: "unknown" },
];

describe("ServiceNow connector: faults", () => {
  let sim: ServiceNowSim;
  let opened: Opened;
  let id: string;

  beforeEach(async () => {
    sim = await startServiceNowSim();
    opened = openServiceNow(sim);
    id = sim.insert("incident", { short_description: TICKET_TEXT }, ABEL).sys_id;
  });
  afterEach(async () => {
    await opened.connector.close();
    await sim.close();
  });

  const impatient = async (): Promise<void> => {
    await opened.connector.close();
    opened = openServiceNow(sim, { limits: { callTimeoutMs: IMPATIENT_MS } });
  };
  const read = () => opened.connector.read("incident", [id]);
  const write = () =>
    opened.connector.write(
      writeOf(opened.clock, "snow", { type: "incident", recordType: "incident", id, note: "[il:note]" }),
    );

  it("have a case for every kind there is", () => expectEveryKind(CASES.map(({ kind }) => kind)));

  for (const { name, spec, kind, outcome } of CASES) {
    it(`${kind}: ${name}, on a read, which leaves nothing in doubt`, async () => {
      if (spec.kind === "hang") await impatient();
      sim.faults.add({ path: /incident/, ...spec });
      const fault = await faultOf(read());
      expect(fault).to.include({ kind, connection: "snow", outcome: "not_applied" });
      expect(`${fault.message} ${String(fault.cause)}`).to.not.contain("Winter");
    });

    it(`${kind}: ${name}, on a write, leaves it ${outcome}`, async () => {
      if (spec.kind === "hang") await impatient();
      sim.faults.add({ path: /incident/, ...spec });
      expect(await faultOf(write())).to.include({ kind, outcome });
    });
  }

  it("unavailable: a refused connection, and then a write certainly never happened", async () => {
    await opened.connector.close();
    opened = openServiceNow(sim, { baseUrl: await closedPort() });
    expect(await faultOf(write())).to.include({ kind: "unavailable", outcome: "not_applied" });
  });

  it("unavailable: an answer that trickles in for longer than a call may take in all", async () => {
    const slow = createServer((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const drip = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(drip));
    });
    await opened.connector.close();
    opened = openServiceNow(sim, { baseUrl: await listening(slow), limits: { callTimeoutMs: IMPATIENT_MS } });
    const fault = await faultOf(write());
    slow.closeAllConnections();
    slow.close();
    expect(fault).to.include({ kind: "unavailable", outcome: "unknown" });
  });

  it("do not follow a redirect: the credentials go to the configured host only", async () => {
    let visits = 0;
    const elsewhere = createServer((_request, response) => {
      visits += 1;
      response.end('{"result":[]}');
    });
    const location = await listening(elsewhere);
    sim.faults.add({ path: /incident/, kind: "status", status: 307, headers: { location }, body: "" });
    await faultOf(read());
    elsewhere.close();
    expect(visits).to.equal(0);
  });
});

describe("ServiceNow connector: a rate limit", () => {
  let sim: ServiceNowSim;
  let opened: Opened;

  beforeEach(async () => {
    sim = await startServiceNowSim();
    opened = openServiceNow(sim);
  });
  afterEach(async () => {
    await opened.connector.close();
    await sim.close();
  });

  const read = () => opened.connector.read("incident", ["0".repeat(32)]);
  const limited = (headers: Record<string, string>): void =>
    sim.faults.add({ path: /incident/, kind: "status", status: 429, headers });

  it("holds the whole connection for the seconds asked, without a call", async () => {
    limited({ "retry-after": "7" });
    expect(await faultOf(read())).to.include({ kind: "rate_limited", status: 429, retryAfterMs: 7_000 });
    opened.clock.pass(5_000);
    expect(await faultOf(read())).to.include({ kind: "rate_limited", retryAfterMs: 2_000, outcome: "not_applied" });
    expect(sim.requests).to.have.length(1);
    expect(opened.calls, "what was not called is not counted").to.deep.equal(["read"]);
    opened.clock.pass(2_000);
    expect(await read()).to.have.length(1);
  });

  it("is understood as a date, too", async () => {
    limited({ "retry-after": new Date(opened.clock.now() + 90_000).toUTCString() });
    expect(await faultOf(read())).to.include({ retryAfterMs: 90_000 });
    opened.clock.pass(89_999);
    await faultOf(read());
    expect(sim.requests).to.have.length(1);
  });

  it("of zero seconds, or of a date that is over, still costs a second", async () => {
    limited({ "retry-after": "0" });
    expect(await faultOf(read())).to.include({ retryAfterMs: 1_000 });
    opened.clock.pass(1_000);
    limited({ "retry-after": new Date(opened.clock.now() - 60_000).toUTCString() });
    expect(await faultOf(read())).to.include({ retryAfterMs: 1_000 });
  });

  it("without a word on when to come back rests for the first delay between tries", async () => {
    limited({});
    expect(await faultOf(read())).to.include({ kind: "rate_limited", retryAfterMs: undefined });
    opened.clock.pass(999);
    await faultOf(read());
    opened.clock.pass(1);
    expect(await read()).to.have.length(1);
    expect(sim.requests).to.have.length(2);
  });
});
