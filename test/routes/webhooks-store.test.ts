import { expect } from "chai";
import { StoreUnavailableError } from "../../core/errors.ts";
import type { Store } from "../../core/store/store.ts";
import { send } from "./client.ts";
import { type Ingress, jiraHeaders, snowHeaders, startIngress } from "./ingress.ts";

const SNOW_BODY = JSON.stringify({ table: "incident", sys_id: "0".repeat(32) });
const JIRA_BODY = JSON.stringify({ issue: { id: "10040", key: "OPS-7" } });

describe("POST /webhooks/:connection while the store takes nothing", () => {
  let ingress: Ingress;
  let fault: Error | undefined;

  beforeEach(async () => {
    fault = new StoreUnavailableError("the store cannot take a write now; check its disk or its server");
    const failing = async (): Promise<void> => {
      if (fault) throw fault;
    };
    const over = (real: Store): Store => ({
      ...real,
      accept: async (signals, settleMs) => {
        await failing();
        return real.accept(signals, settleMs);
      },
      counts: async () => {
        await failing();
        return real.counts();
      },
      ping: failing,
    });
    ingress = await startIngress({ store: over });
  });
  afterEach(() => ingress.close());

  const deliver = () => ingress.deliver("jira", jiraHeaders(JIRA_BODY), JIRA_BODY);

  it("sends the sender away with 503 and says when to come back", async () => {
    const answer = await deliver();
    expect(answer.status).to.equal(503);
    expect(answer.headers["retry-after"]).to.equal("5");
    expect(answer.json).to.deep.equal({ error: "unavailable", message: "not stored; send it again" });
    expect(await ingress.store.counts()).to.include({ signals: 0 });
    expect(await ingress.metrics.total("interlock_signals_total", { outcome: "unavailable" })).to.equal(1);
    expect(ingress.woken()).to.equal(0);
  });

  it("takes the same delivery as new when the store is back, without a restart", async () => {
    expect((await deliver()).status).to.equal(503);
    fault = undefined;
    const answer = await deliver();
    expect(answer.json).to.deep.equal({ outcome: "accepted", delivery: "delivery-1" });
  });

  it("sends everybody of a shared commit away, and nobody else", async () => {
    const many = Array.from({ length: 20 }, (_, n) => {
      const body = `${SNOW_BODY.slice(0, -1)},"n":${n}}`;
      return ingress.deliver("snow", snowHeaders(body, { id: `msg_${n}` }), body);
    });
    expect(new Set((await Promise.all(many)).map(({ status }) => status))).to.deep.equal(new Set([503]));
    fault = undefined;
    expect((await deliver()).status).to.equal(202);
  });

  it("still refuses a bad signature with 401: that is the sender's fault", async () => {
    expect((await ingress.deliver("jira", {}, JIRA_BODY)).status).to.equal(401);
  });

  it("answers a fault of our own with 503 too, so that no sender takes it as final, and tells nobody what it was", async () => {
    fault = new TypeError("cannot read Ms. Winter's printer");
    const answer = await deliver();
    expect(answer.status).to.equal(503);
    expect(answer.headers["retry-after"]).to.equal("5");
    expect(answer.json).to.deep.equal({ error: "internal" });
    expect(ingress.log.lines.filter(({ level }) => level === "error")).to.have.length(1);
  });

  it("is not ready meanwhile, and live all the time", async () => {
    const ready = () => send(`${ingress.url}/readyz`);
    const down = await ready();
    expect(down.status).to.equal(503);
    expect(down.json).to.deep.equal({
      status: "not_ready",
      reason: "the store cannot take a write now; check its disk or its server",
    });
    expect((await send(`${ingress.url}/livez`)).status).to.equal(200);
    fault = new TypeError("cannot read Ms. Winter's printer");
    expect((await ready()).json).to.deep.equal({ status: "not_ready", reason: "the store failed" });
    fault = undefined;
    expect((await ready()).json).to.deep.equal({ status: "ready" });
  });

  it("still shows its counters: that is when they are wanted", async () => {
    await deliver();
    const answer = await send(`${ingress.url}/metrics`);
    expect(answer.status).to.equal(200);
    expect(answer.text).to.contain('interlock_signals_total{connection="jira",outcome="unavailable"} 1');
  });
});
