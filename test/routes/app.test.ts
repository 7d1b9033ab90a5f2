import { connect } from "node:net";
import { expect } from "chai";
import express from "express";
import { createHttpServer } from "../../routes/app.ts";
import { listening } from "../connectors/open.ts";
import { send } from "./client.ts";
import { ADMIN_TOKEN, type Ingress, jiraHeaders, startIngress } from "./ingress.ts";

describe("The HTTP surface", () => {
  let ingress: Ingress;

  before(async () => {
    ingress = await startIngress();
  });
  after(() => ingress.close());

  const get = (path: string) => send(`${ingress.url}${path}`);

  it("is live, and ready while a write would be taken", async () => {
    expect(await get("/livez")).to.deep.include({ status: 200, json: { status: "live" } });
    expect(await get("/readyz")).to.deep.include({ status: 200, json: { status: "ready" } });
  });

  it("answers JSON to what it does not know", async () => {
    for (const path of ["/", "/nothing", "/livez/more", "/webhooks", "/metrics/x", "/%E0%A4%A"]) {
      const answer = await get(path);
      expect(answer.status, path).to.equal(404);
      expect(answer.json).to.deep.equal({ error: "not_found" });
      expect(answer.headers["content-type"]).to.match(/^application\/json/);
    }
  });

  it("sends the headers that keep a browser from doing harm, and does not say what it is made of", async () => {
    for (const path of ["/livez", "/metrics", "/nothing", "/api/parked"]) {
      const { headers } = await get(path);
      expect(headers, path).to.include({
        "x-content-type-options": "nosniff",
        "x-frame-options": "SAMEORIGIN",
        "referrer-policy": "no-referrer",
      });
      expect(headers["content-security-policy"]).to.contain("default-src 'self'");
      expect(headers["strict-transport-security"]).to.contain("max-age=");
    }
    const refused = await ingress.deliver("jira", {}, "x");
    for (const { headers } of [await get("/livez"), refused]) expect(headers).to.not.have.property("x-powered-by");
  });

  it("shows the counters to Prometheus", async () => {
    await ingress.deliver("jira", jiraHeaders("{}"), "{}");
    const answer = await get("/metrics");
    expect(answer.status).to.equal(200);
    expect(answer.headers["content-type"]).to.match(/^text\/plain; version=0\.0\.4/);
    expect(answer.text).to.contain('interlock_signals_total{connection="jira",outcome="accepted"} 1');
    expect(answer.text).to.match(/^interlock_parked 1$/m);
    expect(answer.text).to.match(/^interlock_pending 0$/m);
    expect(answer.text).to.match(/^interlock_ledger_entries 2$/m);
    for (const name of ["reconciles", "writes", "vendor_calls", "failures", "drift", "unmapped"])
      expect(answer.text).to.contain(`# TYPE interlock_${name}_total counter`);
    expect(answer.text).to.contain("process_resident_memory_bytes");
    expect(answer.text).to.not.contain(ADMIN_TOKEN);
  });

  it("is not confused by a query", async () => {
    expect((await get("/livez?__proto__[x]=1&a[]=1")).status).to.equal(200);
  });
});

describe("The HTTP server's limits on slow and many clients", () => {
  it("are set, and looked after often enough to mean what they say", () => {
    const server = createHttpServer(express());
    expect(server.headersTimeout).to.equal(10_000);
    expect(server.requestTimeout).to.equal(20_000);
    expect(server.keepAliveTimeout, "longer than the idle time of common load balancers").to.equal(65_000);
    expect(server.maxConnections).to.equal(2_000);
  });

  it("cut off a client whose headers trickle in", async () => {
    const server = createHttpServer(express());
    server.headersTimeout = 50;
    const { port } = new URL(await listening(server));
    const answer = await new Promise<string>((resolve) => {
      let text = "";
      const socket = connect(Number(port), "127.0.0.1", () => socket.write("GET /livez HTTP/1.1\r\nHost: x\r\n"));
      const drip = setInterval(() => socket.write("X-A: b\r\n"), 20);
      socket.on("data", (part: Buffer) => {
        text += part.toString("utf8");
      });
      socket.on("error", () => {});
      socket.on("close", () => {
        clearInterval(drip);
        resolve(text);
      });
    });
    server.close();
    expect(answer).to.match(/^HTTP\/1\.1 408 /);
  });
});
