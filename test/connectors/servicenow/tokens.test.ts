import { expect } from "chai";
import { type ServiceNowSim, startServiceNowSim } from "../../sim/servicenow.ts";
import {
  CALL_TIMEOUT_MS,
  faultOf,
  IMPATIENT_MS,
  type Opened,
  openServiceNow,
  standingClock,
  writeOf,
} from "../open.ts";

const ABEL = { by: "abel.tuter" };
const LIFE_MS = 1_799_000;
const MARGIN_MS = 60_000;

describe("ServiceNow connector: tokens for a client", () => {
  const clock = standingClock();
  let sim: ServiceNowSim;
  let opened: Opened;
  /** How far the instance's clock is ahead of ours. */
  let aheadMs: number;

  beforeEach(async () => {
    aheadMs = 0;
    sim = await startServiceNowSim({ now: () => clock.now() + aheadMs });
    opened = openAs(sim.integration.clientSecret);
  });
  afterEach(async () => {
    await opened.connector.close();
    await sim.close();
  });

  const openAs = (clientSecret: string, callTimeoutMs = CALL_TIMEOUT_MS): Opened =>
    openServiceNow(sim, {
      clock,
      limits: { callTimeoutMs },
      auth: { type: "client-credentials", clientId: sim.integration.clientId, clientSecret },
    });
  const read = () => opened.connector.read("incident", ["0".repeat(32)]);
  const seen = (path: string): number[] =>
    sim.requests.filter((request) => request.path.includes(path)).map(({ status }) => status);

  it("are fetched once for calls that start at the same time, and used again", async () => {
    await Promise.all(Array.from({ length: 12 }, read));
    await read();
    expect(seen("oauth_token")).to.deep.equal([200]);
    expect(seen("/incident")).to.have.length(13);
    expect(sim.requests.at(-1)?.user).to.equal(sim.integration.user);
  });

  it("are renewed before they run out, and not earlier", async () => {
    await read();
    clock.pass(LIFE_MS - MARGIN_MS - 1);
    await read();
    expect(seen("oauth_token")).to.have.length(1);
    clock.pass(1);
    await read();
    expect(seen("oauth_token")).to.have.length(2);
    expect(seen("/incident")).to.deep.equal([200, 200, 200]);
  });

  it("that the instance does not take any more are renewed once, for a write too", async () => {
    const { sys_id: id } = sim.insert("incident", { short_description: "Printer on fire" }, ABEL);
    await read();
    aheadMs = LIFE_MS;
    await opened.connector.write(
      writeOf(clock, "snow", { type: "incident", recordType: "incident", id, note: "[il:note]" }),
    );
    expect(seen("oauth_token")).to.deep.equal([200, 200]);
    expect(seen("/incident/")).to.deep.equal([401, 200]);
    expect(sim.journal(id)).to.have.length(1);
  });

  it("refused to many calls at once are renewed once for all of them", async () => {
    await read();
    sim.requests.length = 0;
    // Half of the refusals come back long before the others: those must not throw away the fresh token.
    for (let n = 0; n < 8; n += 1)
      sim.faults.add({ path: /incident/, kind: "status", status: 401, delayMs: n < 4 ? 0 : 60 });
    await Promise.all(Array.from({ length: 8 }, read));
    expect(seen("oauth_token")).to.deep.equal([200]);
    expect(seen("/incident").filter((status) => status === 200)).to.have.length(8);
  });

  it("refused a second time are a person's affair", async () => {
    sim.faults.add({ path: /incident/, kind: "status", status: 401, times: 5 });
    const fault = await faultOf(read());
    expect(fault).to.include({ kind: "auth", status: 401 });
    expect(fault.message).to.contain("check auth in interlock.yaml");
    expect(seen("/incident")).to.deep.equal([401, 401]);
  });

  it("for a wrong client secret are asked for once, and the message says what to correct", async () => {
    await opened.connector.close();
    opened = openAs("wrong-client-secret");
    const fault = await faultOf(read());
    expect(fault).to.include({ kind: "auth", status: 401, outcome: "not_applied" });
    expect(fault.message).to.contain("auth.clientId and auth.clientSecret").and.to.not.contain("wrong-client-secret");
    expect(seen("oauth_token")).to.deep.equal([401]);
  });

  const impatient = async (): Promise<void> => {
    await opened.connector.close();
    opened = openAs(sim.integration.clientSecret, IMPATIENT_MS);
  };

  it("that cannot be had from a sleeping or busy instance are its trouble: no person is called", async () => {
    const troubles = [
      { kind: "html" },
      { kind: "html", status: 302 },
      { kind: "status", status: 503 },
      { kind: "status", status: 200, body: { token_type: "Bearer" } },
      { kind: "reset" },
    ] as const;
    for (const trouble of troubles) {
      sim.faults.add({ path: /oauth_token/, ...trouble });
      expect(await faultOf(read()), JSON.stringify(trouble)).to.include({ kind: "unavailable" });
    }
    sim.faults.add({ path: /oauth_token/, kind: "status", status: 429, headers: { "retry-after": "3" } });
    expect(await faultOf(read())).to.include({ kind: "rate_limited", retryAfterMs: 3_000 });
    clock.pass(3_000);
    expect(await read()).to.have.length(1);
  });

  it("leave the outcome of a write certain: without one nothing was sent", async () => {
    await impatient();
    sim.faults.add({ path: /oauth_token/, kind: "hang" });
    const write = writeOf(clock, "snow", { type: "incident", recordType: "incident", id: "x", note: "[il:note]" });
    expect(await faultOf(opened.connector.write(write))).to.include({ kind: "unavailable", outcome: "not_applied" });
    expect(seen("/incident")).to.be.empty;
  });
});
