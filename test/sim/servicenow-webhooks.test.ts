import { expect } from "chai";
import { Webhook } from "standardwebhooks";
import type { ServiceNowSim } from "./servicenow.ts";
import { startServiceNowSim } from "./servicenow.ts";
import type { Received, WebhookReceiver } from "./webhook-receiver.ts";
import { startWebhookReceiver } from "./webhook-receiver.ts";
import { callServiceNow } from "./wire.ts";

const SECRET = `whsec_${Buffer.from("a secret of some length").toString("base64")}`;
const ABEL = { by: "abel.tuter" };

describe("ServiceNow simulator: pushed changes", () => {
  let sim: ServiceNowSim;
  let receiver: WebhookReceiver;

  beforeEach(async () => {
    receiver = await startWebhookReceiver();
    sim = await startServiceNowSim({ webhook: { url: receiver.url, secret: SECRET } });
  });
  afterEach(async () => {
    await sim.close();
    await receiver.close();
  });

  const verified = ({ headers, body }: Received): unknown => {
    const plain = Object.entries(headers).map(([name, value]) => [name, String(value)]);
    return new Webhook(SECRET).verify(body, Object.fromEntries(plain));
  };

  it("are signed, and name the record and its version", async () => {
    const row = sim.insert("incident", { short_description: "Printer on fire" }, ABEL);
    await sim.webhooks.idle();
    const [delivery] = receiver.received;
    if (delivery === undefined) throw new Error("nothing came");
    expect(verified(delivery)).to.deep.equal({
      table: "incident",
      sys_id: row.sys_id,
      sys_mod_count: "0",
      sys_updated_on: row["sys_updated_on"],
    });
    expect(delivery.headers["webhook-id"]).to.equal(sim.webhooks.sent[0]?.deliveryId);
    expect(sim.webhooks.sent).to.deep.equal([{ deliveryId: delivery.headers["webhook-id"], status: 202, attempts: 1 }]);
  });

  it("fail verification when the body or the secret is another", async () => {
    sim.insert("incident", {}, ABEL);
    await sim.webhooks.idle();
    const [delivery] = receiver.received;
    if (delivery === undefined) throw new Error("nothing came");
    expect(() => verified({ ...delivery, body: `${delivery.body} ` })).to.throw("No matching signature");
  });

  it("do not tell the integration user's own writes, nor other tables", async () => {
    const { sys_id } = sim.insert("incident", {}, ABEL);
    await sim.webhooks.idle();
    await callServiceNow(sim, `/api/now/table/incident/${sys_id}`, { method: "PATCH", body: { work_notes: "noted" } });
    sim.insert("problem", {}, ABEL);
    sim.insert("cmdb_ci", { name: "router-1" }, ABEL);
    sim.update("incident", sys_id, {}, ABEL);
    await sim.webhooks.idle();
    expect(receiver.received).to.have.lengthOf(1);
  });

  it("read the record when they run: two fast changes both tell the last state", async () => {
    const { sys_id } = sim.insert("change_request", {}, ABEL);
    sim.update("change_request", sys_id, { risk: "2" }, ABEL);
    await sim.webhooks.idle();
    expect(receiver.received.map((delivery) => verified(delivery))).to.deep.equal(
      Array.from({ length: 2 }, () => ({ ...pick(sim.get("change_request", sys_id) ?? {}), table: "change_request" })),
    );
  });

  it("stay lost when the receiver fails or the network loses them", async () => {
    receiver.answers.push(503, 0);
    sim.insert("incident", {}, ABEL);
    await sim.webhooks.idle();
    sim.insert("incident", {}, ABEL);
    await sim.webhooks.idle();
    sim.webhooks.lose = (n) => n === 3;
    sim.insert("incident", {}, ABEL);
    await sim.webhooks.idle();
    expect(sim.webhooks.sent.map(({ status, attempts }) => [status, attempts])).to.deep.equal([
      [503, 1],
      [0, 1],
      [0, 0],
    ]);
    expect(receiver.received).to.have.lengthOf(2);
  });

  it("can be doubled, switched off and turned to another target", async () => {
    sim.webhooks.duplicate = (n) => n === 1;
    sim.insert("incident", {}, ABEL);
    await sim.webhooks.idle();
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"]))).to.have.lengthOf(1);
    expect(receiver.received).to.have.lengthOf(2);
    sim.webhooks.enabled = false;
    sim.insert("incident", {}, ABEL);
    sim.webhooks.enabled = true;
    sim.webhooks.setTarget(undefined);
    sim.insert("incident", {}, ABEL);
    sim.webhooks.setTarget({ url: `${receiver.url}/other`, secret: SECRET });
    sim.insert("incident", {}, ABEL);
    await sim.webhooks.idle();
    expect(receiver.received).to.have.lengthOf(3);
  });

  it("keep up with a burst of 500 changes", async () => {
    for (let i = 0; i < 500; i += 1) sim.insert("incident", { short_description: `Alarm ${i}` }, ABEL);
    await sim.webhooks.idle();
    expect(receiver.received).to.have.lengthOf(500);
    expect(sim.webhooks.pending).to.equal(0);
  });
});

function pick({
  sys_id = "",
  sys_mod_count = "",
  sys_updated_on = "",
}: Record<string, string>): Record<string, string> {
  return { sys_id, sys_mod_count, sys_updated_on };
}
