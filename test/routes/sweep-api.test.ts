import { expect } from "chai";
import type { Swept } from "../../core/sweep/schedule.ts";
import { edited, type FakeFeed, fakeFeed } from "../core/sweep/fake-feed.ts";
import { type Answer, type Question, send } from "./client.ts";
import { ADMIN_TOKEN, type Ingress, startIngress } from "./ingress.ts";

describe("/api of sweeps and identities", () => {
  let ingress: Ingress;
  let feed: FakeFeed;

  beforeEach(async () => {
    feed = fakeFeed();
    const swept = new Map<string, Swept>([["snow", { feed, recordTypes: ["incident"] }]]);
    ingress = await startIngress({ swept });
  });
  afterEach(() => ingress.close());

  const ask = (path: string, question: Question = {}): Promise<Answer> =>
    send(`${ingress.url}${path}`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` }, ...question });
  const post = (path: string): Promise<Answer> => ask(path, { method: "POST" });

  it("need the admin token", async () => {
    for (const [method, path] of [
      ["GET", "/api/completeness"],
      ["POST", "/api/sweep"],
      ["GET", "/api/connections"],
      ["POST", "/api/connections/snow/identity/confirm"],
    ])
      expect((await ask(path ?? "", { method: method ?? "", headers: {} })).status, path).to.equal(401);
  });

  it("sweep when told to, and answer what was found", async () => {
    feed.records = [edited("r1", Date.now() - 1_000)];
    const answer = await post("/api/sweep");
    expect(answer.status).to.equal(200);
    expect(answer.json).to.have.nested.property("runs[0].recordType", "incident");
    expect(answer.json).to.have.property("faults").deep.equal([]);
    expect(await ingress.store.counts()).to.include({ pending: 1 });
  });

  it("tell how complete a window is", async () => {
    feed.records = [edited("r1", Date.now() - 1_000)];
    await post("/api/sweep");
    const { status, json } = await ask(`/api/completeness?since=${new Date(Date.now() - 60_000).toISOString()}`);
    expect(status).to.equal(200);
    expect(json).to.include({ missing: 0 });
    expect(json).to.have.nested.property("types[0].foundOnlyBySweep", 1);
    const later = await ask(`/api/completeness?since=${new Date().toISOString()}`);
    expect(later.json).to.have.nested.property("types[0].changed", 0);
    expect((await ask("/api/completeness")).json).to.have.nested.property("types[0].changed", 1);
  });

  for (const since of ["yesterday", "2026-01-31T09:00:00", "2026-01-31", "", "2999-01-31T09:00:00Z"])
    it(`refuse a since that says no hour of the past: "${since}"`, async () => {
      const { status, json } = await ask(`/api/completeness?since=${since}`);
      expect(status).to.equal(400);
      expect(json).to.have.property("error", "bad_since");
    });

  it("name a clone in every place where people look, and let an admin confirm it", async () => {
    expect((await send(`${ingress.url}/readyz`)).json).to.deep.equal({ status: "ready" });
    // Asked again only while it is in doubt or not fresh, so the clone is met as a start meets it.
    feed.instance = "a clone";
    await ingress.sweeping.checkIdentities();
    expect((await send(`${ingress.url}/readyz`)).json).to.deep.equal({ status: "ready", readOnly: ["snow"] });
    expect((await send(`${ingress.url}/metrics`)).text).to.match(
      /^interlock_identity_mismatch\{connection="snow"\} 1$/m,
    );
    const { json } = await ask("/api/connections");
    expect(json).to.have.nested.property("connections[0].state", "contradicted");
    expect(json).to.have.nested.property("connections[0].seen", "a clone");
    expect(ingress.sweeping.modeOf("snow", "act")).to.equal("observe");
    const confirmed = await post("/api/connections/snow/identity/confirm");
    expect(confirmed.json).to.include({ state: "pinned", pinned: "a clone" });
    expect(ingress.sweeping.modeOf("snow", "act")).to.equal("act");
    expect((await send(`${ingress.url}/metrics`)).text).to.match(
      /^interlock_identity_mismatch\{connection="snow"\} 0$/m,
    );
  });

  it("confirm nothing that does not answer, and no connection that nobody configured", async () => {
    feed.instance = "unavailable";
    expect((await post("/api/connections/snow/identity/confirm")).status).to.equal(409);
    expect((await post("/api/connections/other/identity/confirm")).status).to.equal(404);
  });
});
