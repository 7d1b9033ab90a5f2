import { createServer } from "node:http";
import { expect } from "chai";
import { jiraFault } from "../../../connectors/jira/faults.ts";
import { installDispatcher } from "../../../connectors/jira/http.ts";
import type { FaultKind } from "../../../core/errors.ts";
import type { FaultSpec } from "../../sim/faults.ts";
import { type JiraSim, startJiraSim } from "../../sim/jira.ts";
import {
  CALL_TIMEOUT_MS,
  closedPort,
  expectEveryKind,
  faultOf,
  IMPATIENT_MS,
  learnProjects,
  listening,
  type OpenedJira,
  openJira,
  writeOf,
} from "../open.ts";

const ABEL = { by: "5b10-abel" };
const TICKET_TEXT = "Printer of Ms. Winter on fire";

interface Case {
  name: string;
  spec: Omit<FaultSpec, "path">;
  kind: FaultKind;
  /** Of a write that ends so. */
  outcome: "not_applied" | "unknown";
}

const vendorError = { errorMessages: [TICKET_TEXT], errors: { summary: TICKET_TEXT } };
const status = (code: number): Omit<FaultSpec, "path"> => ({ kind: "status", status: code, body: vendorError });
const later = (code: number): Omit<FaultSpec, "path"> => ({ ...status(code), headers: { "retry-after": "1" } });
const dead = { ...status(404), headers: { "x-seraph-loginreason": "AUTHENTICATED_FAILED" } };
const broken = { "content-type": "application/json" };

const CASES: Case[] = [
  { name: "401", spec: status(401), kind: "auth", outcome: "not_applied" },
  { name: "404 with the header of a dead token", spec: dead, kind: "auth", outcome: "not_applied" },
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
  { name: "HTML with 200 (a login page)", spec: { kind: "html" }, kind: "unavailable", outcome: "unknown" },
  { name: "a redirect to a login page", spec: { kind: "html", status: 302 }, kind: "unavailable", outcome: "unknown" },
  {
    name: "JSON of another form",
    spec: { kind: "status", status: 200, body: "[]" },
    kind: "unavailable",
    outcome: "unknown",
  },
  {
    name: "JSON that breaks off",
    spec: { kind: "status", status: 200, headers: broken, body: '{"issues":[{' },
    kind: "unavailable",
    outcome: "unknown",
  },
  { name: "a reset connection", spec: { kind: "reset" }, kind: "unavailable", outcome: "unknown" },
  { name: "no answer in time", spec: { kind: "hang" }, kind: "unavailable", outcome: "unknown" },
];

describe("Jira connector: faults", () => {
  let dispatcher: ReturnType<typeof installDispatcher>;
  let sim: JiraSim;
  let opened: OpenedJira;
  let id: string;

  beforeEach(async () => {
    dispatcher = installDispatcher(CALL_TIMEOUT_MS);
    sim = await startJiraSim();
    opened = openJira(sim);
    await learnProjects(sim, opened, ["KEY"]);
    id = sim.create("OPS", { summary: TICKET_TEXT, issuetype: "Incident" }, ABEL).id;
  });
  afterEach(async () => {
    await opened.connector.close();
    await sim.close();
    await dispatcher.close();
  });

  const impatient = async (): Promise<void> => {
    await dispatcher.close();
    dispatcher = installDispatcher(IMPATIENT_MS);
  };
  const fields = { group: { customfield_10101: { group: "Network" } } };
  const read = () => opened.connector.read("issue", [id]);
  const write = () =>
    opened.connector.write(
      writeOf(opened.clock, "jira", { type: "issue", recordType: "OPS", id, fields, note: "[il:note]" }),
    );

  it("have a case for every kind there is", () => expectEveryKind(["protocol", ...CASES.map(({ kind }) => kind)]));

  it("protocol: whatever else goes wrong on our side of the wire, which must not look like an outage", () => {
    const record = { authenticationFailed: false };
    const fault = (operation: string) =>
      jiraFault(new TypeError(TICKET_TEXT), { connection: "jira", operation, record, nowMs: 0 });
    expect(fault("write")).to.include({ kind: "protocol", outcome: "unknown" });
    expect(fault("read")).to.include({ kind: "protocol", outcome: "not_applied" });
    expect(fault("read").message).to.not.contain("Winter");
  });

  for (const { name, spec, kind, outcome } of CASES) {
    it(`${kind}: ${name}, on a read, which leaves nothing in doubt`, async () => {
      if (spec.kind === "hang") await impatient();
      sim.faults.add({ path: /bulkfetch/, ...spec });
      const fault = await faultOf(read());
      expect(fault).to.include({ kind, connection: "jira", outcome: "not_applied" });
      expect(`${fault.message} ${String(fault.cause)}`).to.not.contain("Winter");
    });

    it(`${kind}: ${name}, on an edit, leaves it ${outcome}`, async () => {
      if (spec.kind === "hang") await impatient();
      sim.faults.add({ method: "PUT", path: /issue/, ...spec });
      const fault = await faultOf(write());
      expect(fault).to.include({ kind, outcome });
      expect(fault.applied).to.be.empty;
      expect(sim.comments(id), "no note about what did not happen").to.be.empty;
    });

    it(`${kind}: ${name}, on a comment apart from its edit, leaves it ${outcome} and tells of the edit`, async () => {
      if (spec.kind === "hang") await impatient();
      sim.faults.editWithoutComment = true;
      sim.faults.add({ method: "POST", path: /comment/, ...spec });
      const fault = await faultOf(write());
      expect(fault).to.include({ kind, outcome });
      expect(fault.applied).to.deep.equal(["group"]);
    });
  }

  it("unavailable: a refused connection, and then a write certainly never happened", async () => {
    await opened.connector.close();
    opened = openJira(sim, { baseUrl: await closedPort() });
    expect(await faultOf(write())).to.include({ kind: "unavailable", outcome: "not_applied" });
  });

  it("unavailable: an answer that trickles in for longer than a call may take in all", async () => {
    const slow = createServer((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const drip = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(drip));
    });
    await impatient();
    await opened.connector.close();
    opened = openJira(sim, { baseUrl: await listening(slow) });
    const fault = await faultOf(read());
    slow.closeAllConnections();
    slow.close();
    expect(fault).to.include({ kind: "unavailable" });
  });

  it("unavailable: a connection that breaks in the middle of an answer", async () => {
    const broken = createServer((_request, response) => {
      response.writeHead(201, { "content-type": "application/json", "content-length": "100" });
      response.write("{", () => response.destroy());
    });
    await opened.connector.close();
    opened = openJira(sim, { baseUrl: await listening(broken) });
    const note = writeOf(opened.clock, "jira", { type: "issue", recordType: "OPS", id, note: "[il:note]" });
    const fault = await faultOf(opened.connector.write(note));
    broken.close();
    expect(fault).to.include({ kind: "unavailable", outcome: "unknown" });
  });

  it("do not follow a redirect: writes and credentials go to the configured host only", async () => {
    let visits = 0;
    const elsewhere = createServer((_request, response) => {
      visits += 1;
      response.end('{"issues":[]}');
    });
    const location = await listening(elsewhere);
    for (const code of [301, 302, 303, 307, 308]) {
      sim.faults.add({ path: /bulkfetch/, kind: "status", status: code, headers: { location }, body: "" });
      expect(await faultOf(read()), String(code)).to.include({ kind: "unavailable" });
    }
    elsewhere.close();
    expect(visits).to.equal(0);
  });

  it("hold the connection after a rate limit, without a call", async () => {
    sim.faults.add({ path: /bulkfetch/, kind: "status", status: 429, headers: { "retry-after": "7" } });
    expect(await faultOf(read())).to.include({ kind: "rate_limited", status: 429, retryAfterMs: 7_000 });
    expect(await faultOf(write())).to.include({ kind: "rate_limited", outcome: "not_applied" });
    expect(sim.requests).to.have.length(1);
    opened.clock.pass(7_000);
    expect(await read()).to.have.length(1);
  });

  describe("of the list that a vendor is known for", () => {
    const limited = (reason: string, headers: Record<string, string>) => ({
      kind: "status" as const,
      status: 429,
      headers: { "ratelimit-reason": reason, ...headers },
    });

    it("drop: a request that is never answered was perhaps never applied, and is not repeated by us", async () => {
      await impatient();
      sim.faults.add({ method: "PUT", path: /issue/, kind: "hang" });
      expect(await faultOf(write())).to.include({ kind: "unavailable", outcome: "unknown" });
      expect(sim.requests).to.have.length(1);
    });

    it("apply-then-time-out: unknown, and the mark tells that it was done", async () => {
      await impatient();
      sim.faults.add({ method: "PUT", path: /issue/, kind: "apply-then-hang" });
      const fault = await faultOf(write());
      expect(fault).to.include({ kind: "unavailable", outcome: "unknown" });
      expect(fault.applied).to.be.empty;
      const ref = { connection: "jira", type: "issue", id, key: "OPS-1" };
      expect((await opened.connector.confirm([{ ref, marker: "[il:note]" }])).get("[il:note]")).to.equal("present");
    });

    it("429 burst: such calls rest, others go on", async () => {
      sim.faults.add({ path: /bulkfetch/, ...limited("jira-burst-based", { "retry-after": "3" }) });
      expect(await faultOf(read())).to.include({ kind: "rate_limited", retryAfterMs: 3_000, limitScope: "endpoint" });
      expect((await write()).applied).to.have.length(2);
      expect(await faultOf(read())).to.include({ kind: "rate_limited" });
      opened.clock.pass(3_000);
      expect(await read()).to.have.length(1);
    });

    it("429 per issue: this issue rests, all others go on", async () => {
      const other = sim.create("OPS", { summary: TICKET_TEXT, issuetype: "Incident" }, ABEL).id;
      sim.faults.add({ method: "PUT", path: /issue/, ...limited("jira-per-issue-on-write", { "retry-after": "30" }) });
      expect(await faultOf(write())).to.include({ kind: "rate_limited", outcome: "not_applied", limitScope: "record" });
      expect(await faultOf(write()), "without a call").to.include({ kind: "rate_limited" });
      expect(sim.requests).to.have.length(1);
      const elsewhere = { type: "issue", recordType: "OPS", id: other, fields, note: "[il:note]" };
      expect((await opened.connector.write(writeOf(opened.clock, "jira", elsewhere))).applied).to.have.length(2);
    });

    it("429 quota: everything rests until the reset that Jira names, where it names no Retry-After", async () => {
      const reset = new Date(opened.clock.now() + 90_000).toISOString();
      sim.faults.add({ path: /bulkfetch/, ...limited("jira-quota-tenant-based", { "x-ratelimit-reset": reset }) });
      const fault = await faultOf(read());
      expect(fault).to.include({ kind: "rate_limited", retryAfterMs: 90_000, limitScope: "connection" });
      expect(fault.message).to.contain("hourly quota");
      expect(await faultOf(write())).to.include({ kind: "rate_limited", retryAfterMs: 90_000 });
      expect(sim.requests).to.have.length(1);
    });

    it("503 with Retry-After: everything rests as long as it says", async () => {
      sim.faults.add({ path: /bulkfetch/, kind: "status", status: 503, headers: { "retry-after": "20" } });
      expect(await faultOf(read())).to.include({ kind: "unavailable", retryAfterMs: 20_000 });
      expect(await faultOf(write())).to.include({ kind: "rate_limited", outcome: "not_applied" });
      expect(sim.requests).to.have.length(1);
    });

    it("slow: an answer within the time that a call may take is an answer", async () => {
      sim.faults.add({ path: /bulkfetch/, kind: "delay", delayMs: 60 });
      expect(await read()).to.have.nested.property("0.found", true);
    });

    it("dead token with its header, on an empty page of the feed: never a short page", async () => {
      const headers = { "x-seraph-loginreason": "AUTHENTICATED_FAILED" };
      sim.faults.add({ path: /search/, kind: "status", status: 200, headers, body: { issues: [], isLast: true } });
      expect(await faultOf(opened.connector.changed("OPS", 0))).to.include({ kind: "auth" });
    });

    it("unreadable comments: the mark that the edit left tells, and where there is none nothing is taken for absent", async () => {
      await write();
      sim.faults.add({ path: /comment/, kind: "status", status: 403, times: 2 });
      const ref = { connection: "jira", type: "issue", id, key: "OPS-1" };
      const states = await opened.connector.confirm([
        { ref, marker: "[il:note]" },
        { ref, marker: "[il:other]" },
      ]);
      expect(Object.fromEntries(states)).to.deep.equal({ "[il:note]": "present", "[il:other]": "unreadable" });
    });

    it("name the trace of the call for Atlassian's support, and nothing else of the headers", async () => {
      const headers = { "atl-traceid": "0123456789abcdef", "ratelimit-reason": TICKET_TEXT };
      sim.faults.add({ path: /bulkfetch/, kind: "status", status: 429, headers });
      const fault = await faultOf(read());
      expect(fault.message).to.contain("(Atl-Traceid 0123456789abcdef)").and.to.not.contain("Winter");
    });

    it("a private address: refused before a byte is sent, with what to set, and certainly not applied", async () => {
      await opened.connector.close();
      opened = openJira(sim, { settings: { allowPrivateAddress: false } });
      const fault = await faultOf(write());
      expect(fault).to.include({ kind: "unavailable", outcome: "not_applied" });
      expect(fault.message).to.contain("allowPrivateAddress");
      expect(sim.requests).to.be.empty;
    });
  });
});
