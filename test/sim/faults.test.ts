import { expect } from "chai";
import type { ServiceNowSim } from "./servicenow.ts";
import { startServiceNowSim } from "./servicenow.ts";
import { at, callServiceNow } from "./wire.ts";

const ABEL = { by: "abel.tuter" };

describe("faults of a simulator", () => {
  let sim: ServiceNowSim;
  let path: string;

  beforeEach(async () => {
    sim = await startServiceNowSim();
    path = `/api/now/table/incident/${sim.insert("incident", {}, ABEL).sys_id}`;
  });
  afterEach(() => sim.close());

  const note = (): ReturnType<typeof callServiceNow> =>
    callServiceNow(sim, path, { method: "PATCH", body: { work_notes: "n" } });
  const notes = (): number => sim.rows("sys_journal_field").length;
  const failure = (call: Promise<unknown>): Promise<unknown> =>
    call.then(
      () => undefined,
      (error: unknown) => error,
    );

  it("status: answers with status, headers and body, as often as told, after skipping", async () => {
    const body = { error: { message: "Rate limit exceeded", detail: "x" }, status: "failure" };
    sim.faults.add({
      path: /incident/,
      kind: "status",
      status: 429,
      headers: { "Retry-After": "7" },
      body,
      skip: 1,
      times: 2,
    });
    const answers = [];
    for (let i = 0; i < 4; i += 1) answers.push(await callServiceNow(sim, path));
    expect(answers.map(({ status }) => status)).to.deep.equal([200, 429, 429, 200]);
    expect(answers[1]?.headers.get("retry-after")).to.equal("7");
    expect(answers[1]?.body).to.deep.equal(body);
  });

  it("status: writes nothing, and has the vendor's envelope unless told", async () => {
    sim.faults.add({ method: "PATCH", path: /./, kind: "status", status: 500 });
    expect((await callServiceNow(sim, path)).status).to.equal(200);
    const answer = await note();
    expect(answer.status).to.equal(500);
    expect(at(answer.body, "status")).to.equal("failure");
    expect(notes()).to.equal(0);
  });

  it("reset: cuts the connection before anything is done", async () => {
    sim.faults.add({ path: /incident/, kind: "reset" });
    expect(await failure(note())).to.be.instanceOf(Error);
    expect(notes()).to.equal(0);
    expect(sim.requests.at(-1)).to.include({ status: 0 });
  });

  it("apply-then-reset: the write is done and the answer is lost", async () => {
    sim.faults.add({ method: "PATCH", path: /incident/, kind: "apply-then-reset" });
    expect(await failure(note())).to.be.instanceOf(Error);
    expect(notes()).to.equal(1);
    expect(sim.requests.at(-1)).to.include({ method: "PATCH", status: 0 });
    expect((await note()).status).to.equal(200);
  });

  it("hang and apply-then-hang: no answer comes, until the client gives up or the simulator closes", async () => {
    sim.faults.add({ path: /incident/, kind: "hang" });
    sim.faults.add({ path: /incident/, kind: "apply-then-hang" });
    const headers = { authorization: `Basic ${Buffer.from("abel.tuter:abel-password").toString("base64")}` };
    const impatient = fetch(`${sim.url}${path}`, { headers, signal: AbortSignal.timeout(50) });
    expect(await failure(impatient)).to.have.property("name", "TimeoutError");
    const patient = failure(note());
    while (notes() === 0) await new Promise((resolve) => setImmediate(resolve));
    await sim.close();
    expect(await patient).to.be.instanceOf(Error);
  });

  it("sever, stall and drip: the head comes, and the body breaks off, stops or trickles in", async () => {
    const headers = { authorization: `Basic ${Buffer.from("abel.tuter:abel-password").toString("base64")}` };
    const body = async (kind: "sever" | "stall" | "drip", ms?: number): Promise<unknown> => {
      sim.faults.add({ path: /incident/, kind });
      const answer = await fetch(`${sim.url}${path}`, { headers, ...(ms && { signal: AbortSignal.timeout(ms) }) });
      expect(answer.status).to.equal(200);
      return failure(answer.text());
    };
    expect(await body("sever")).to.be.instanceOf(Error);
    expect(await body("stall", 50)).to.have.property("name", "TimeoutError");
    expect(await body("drip", 50)).to.have.property("name", "TimeoutError");
  });

  it("html: a page where JSON was expected, with a 200", async () => {
    sim.faults.add({ path: /incident/, kind: "html" });
    const answer = await callServiceNow(sim, path);
    expect(answer.status).to.equal(200);
    expect(answer.headers.get("content-type")).to.match(/^text\/html/);
    expect(answer.text).to.contain("hibernating");
  });

  it("delay: the answer is late but right", async () => {
    sim.faults.add({ path: /incident/, kind: "delay", delayMs: 40 });
    const before = performance.now();
    expect((await callServiceNow(sim, path)).status).to.equal(200);
    expect(performance.now() - before).to.be.greaterThan(35);
  });

  it("delay: leaves no timer when the simulator closes first", async () => {
    sim.faults.add({ path: /incident/, kind: "delay", delayMs: 60_000 });
    const late = failure(callServiceNow(sim, path));
    while (sim.requests.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await sim.close();
    expect(await late).to.be.instanceOf(Error);
  });

  it("clear: takes back what was planned, and the switches", async () => {
    sim.faults.add({ path: /./, kind: "reset", times: 99 });
    sim.faults.journalHidden = true;
    sim.faults.clear();
    expect((await note()).status).to.equal(200);
    expect(sim.faults.journalHidden).to.equal(false);
  });

  it("can be planned, and everything read, from another process", async () => {
    const fault = { path: "/table/incident", kind: "status", status: 502, times: 2 };
    const control = (method: string, what: string, body?: string): Promise<Response> =>
      fetch(`${sim.url}/__sim/${what}`, body === undefined ? { method } : { method, body });
    expect((await control("POST", "faults", JSON.stringify(fault))).status).to.equal(201);
    expect((await callServiceNow(sim, path)).status).to.equal(502);
    expect((await control("DELETE", "faults")).status).to.equal(204);
    expect((await callServiceNow(sim, path)).status).to.equal(200);
    expect((await control("POST", "faults", '{"kind":"nonsense","path":"x"}')).status).to.equal(400);
    expect((await control("POST", "faults", '{"kind":"reset","path":"("}')).status).to.equal(400);
    expect(at(await (await control("GET", "requests")).json(), "requests")).to.have.lengthOf(2);
    expect(at(await (await control("GET", "state")).json(), "incident")).to.have.lengthOf(1);
  });
});
