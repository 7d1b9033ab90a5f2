import { expect } from "chai";
import { action, claimed, decidedSettlement } from "../contract/store-rig.ts";
import { type Answer, send } from "./client.ts";
import { ADMIN_TOKEN, type Ingress, startIngress } from "./ingress.ts";

describe("/api of undoing and of modes", () => {
  let ingress: Ingress;
  beforeEach(async () => {
    ingress = await startIngress();
    const { store } = ingress;
    const claim = await claimed(store, "r1");
    await store.intend(claim, [action("a1")], []);
    const receipts = [{ actionId: "a1", outcome: "applied" as const, detail: "" }];
    await store.settle(claim, decidedSettlement(claim.ticket, { receipts }));
  });
  afterEach(() => ingress.close());

  const ask = (
    method: "GET" | "POST",
    path: string,
    headers = { authorization: `Bearer ${ADMIN_TOKEN}` },
  ): Promise<Answer> => send(`${ingress.url}${path}`, { method, headers });

  it("needs the admin token", async () => {
    for (const path of ["/api/revocations?rule=network", "/api/actions/a1/revoke", "/api/mode?mode=observe"])
      expect((await ask("POST", path, { authorization: "Bearer wrong" })).status, path).to.equal(401);
    expect(await ingress.store.revocable({ action: "a1" }, 1)).to.have.length(1);
    expect(await ingress.store.modes()).to.deep.equal([]);
  });

  it("refuses a selection that names nothing, or nothing that can be read", async () => {
    const wrong = [
      "",
      "connection=snow",
      "since=yesterday",
      "rule=",
      "rules=network",
      "rule=network&by=a%20b",
      "rule=network&dryRun=1",
    ];
    for (const query of wrong) {
      const answer = await ask("POST", `/api/revocations?${query}`);
      expect(answer.status, query).to.equal(400);
      expect(answer.json, query).to.have.property("error", "bad_selection");
    }
    expect((await ask("GET", "/api/revocations/none")).status).to.equal(404);
    expect((await ask("GET", "/api/revocations/none/actions?state=lost")).status).to.equal(400);
  });

  it("takes an action up once, and shows how far it has come", async () => {
    const woken = ingress.woken();
    const taken = await ask("POST", "/api/actions/a1/revoke?by=ann&reason=why");
    expect(taken.status).to.equal(202);
    expect(ingress.woken()).to.be.greaterThan(woken);
    const { id } = taken.json as { id: string }; // a 202 has one
    const view = await ask("GET", `/api/revocations/${id}`);
    expect(view.json).to.deep.include({
      selector: { action: "a1" },
      by: "ann",
      reason: "why",
      wanted: 1,
      heldBack: [],
    });
    const { actions } = (await ask("GET", `/api/revocations/${id}/actions?state=wanted`)).json as {
      actions: unknown[];
    }; // our own answer
    expect(actions).to.have.length(1);
    const again = await ask("POST", "/api/actions/a1/revoke");
    expect([again.status, again.json]).to.deep.equal([200, { id: null, actions: 0, tickets: 0 }]);
  });
});
