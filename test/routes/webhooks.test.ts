import { expect } from "chai";
import { send } from "./client.ts";
import { type Ingress, jiraHeaders, snowHeaders, startIngress } from "./ingress.ts";

const SYS_ID = "0123456789abcdef0123456789abcdef";
const snowBody = (n = 1, table = "incident"): string =>
  JSON.stringify({ table, sys_id: SYS_ID, sys_mod_count: String(n), sys_updated_on: "2026-01-31 10:00:00" });
const jiraBody = (n = 1, key = "OPS-7"): string =>
  JSON.stringify({ timestamp: n, webhookEvent: "jira:issue_updated", issue: { id: "10040", key, fields: {} } });

const VENDORS = [
  { connection: "snow", body: snowBody, sign: snowHeaders, key: SYS_ID },
  { connection: "jira", body: jiraBody, sign: jiraHeaders, key: "OPS-7" },
] as const;

describe("POST /webhooks/:connection", () => {
  let ingress: Ingress;

  beforeEach(async () => {
    ingress = await startIngress();
  });
  afterEach(() => ingress.close());

  for (const { connection, body, sign, key } of VENDORS) {
    describe(`from ${connection}`, () => {
      it("accepts a signed delivery, makes its ticket due and wakes the loop", async () => {
        const answer = await ingress.deliver(connection, sign(body(), { id: "id-1" }), body());
        expect(answer.status).to.equal(202);
        expect(answer.json).to.deep.equal({ outcome: "accepted", delivery: "id-1" });
        expect(await ingress.store.counts()).to.include({ signals: 1, pending: 1, parked: 0 });
        expect((await ingress.store.view(connection, key))?.dueAtMs).to.be.a("number");
        expect(ingress.woken()).to.equal(1);
      });

      it("knows a delivery that comes again, and the same body under another id", async () => {
        await ingress.deliver(connection, sign(body(), { id: "id-1" }), body());
        for (const id of ["id-1", "id-2", "id-1"]) {
          const answer = await ingress.deliver(connection, sign(body(), { id }), body());
          expect(answer.status).to.equal(202);
          expect(answer.json).to.deep.equal({ outcome: "duplicate", delivery: id });
        }
        expect(await ingress.store.counts()).to.include({ signals: 1 });
        expect(ingress.woken()).to.equal(1);
      });

      it("takes another body as news of the same ticket", async () => {
        for (const n of [1, 2, 3]) {
          const answer = await ingress.deliver(connection, sign(body(n), { id: `id-${n}` }), body(n));
          expect(answer.json).to.have.property("outcome", "accepted");
        }
        expect(await ingress.store.counts()).to.include({ signals: 3, pending: 1 });
      });

      it("takes the same words again where they do not say which state of the ticket they tell of", async () => {
        const bare =
          connection === "snow"
            ? JSON.stringify({ table: "incident", sys_id: SYS_ID })
            : JSON.stringify({ issue: { id: "10040", key: "OPS-7" } });
        for (const id of ["id-1", "id-2"]) {
          const answer = await ingress.deliver(connection, sign(bare, { id }), bare);
          expect(answer.json).to.deep.equal({ outcome: "accepted", delivery: id });
        }
        expect((await ingress.deliver(connection, sign(bare, { id: "id-1" }), bare)).json).to.include({
          outcome: "duplicate",
        });
      });

      it("accepts one of a hundred that arrive at once under one id", async () => {
        const headers = sign(body(), { id: "id-1" });
        const answers = await Promise.all(
          Array.from({ length: 100 }, () => ingress.deliver(connection, headers, body())),
        );
        expect(new Set(answers.map(({ status }) => status))).to.deep.equal(new Set([202]));
        expect(answers.filter(({ text }) => text.includes("accepted"))).to.have.length(1);
        expect(await ingress.store.counts()).to.include({ signals: 1, pending: 1 });
      });

      it("parks a body without a record under the reason, and still says 202: sending it again would not help", async () => {
        for (const [n, text] of ["{}", '{"hello":', "not JSON", "", "null", "[1]", '"text"'].entries()) {
          const answer = await ingress.deliver(connection, sign(text, { id: `odd-${n}` }), text);
          expect(answer.status, text).to.equal(202);
          expect(answer.json).to.have.property("outcome", "accepted");
        }
        const parked = await ingress.store.parked(10);
        // One row for each way of pointing at nothing: a noisy sender must not push tickets out of the list.
        expect(parked).to.have.length(2);
        expect(new Set(parked.map(({ reason }) => reason))).to.deep.equal(new Set(["unlocated"]));
        expect(parked.filter(({ detail }) => detail === "the body is not JSON")).to.have.length(1);
        expect(await ingress.store.counts()).to.include({ pending: 0 });
      });

      it("says 202 to a record that no mapping covers, counts it, and makes no work of it", async () => {
        const text = connection === "snow" ? snowBody(1, "problem") : jiraBody(1, "HR-1");
        const answer = await ingress.deliver(connection, sign(text), text);
        expect(answer.json).to.have.property("outcome", "accepted");
        expect(await ingress.store.counts()).to.include({ signals: 1, pending: 0, parked: 0 });
        const counted = { connection, outcome: "unmapped" };
        expect(await ingress.metrics.total("interlock_signals_total", counted)).to.equal(1);
      });

      it("is not polluted by keys that name a prototype", async () => {
        const record = connection === "snow" ? snowBody() : jiraBody();
        const text = `{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},${record.slice(1)}`;
        const answer = await ingress.deliver(connection, sign(text), text);
        expect(answer.json).to.have.property("outcome", "accepted");
        expect(Object.hasOwn(Object.prototype, "polluted")).to.equal(false);
        expect((await ingress.store.view(connection, key))?.dueAtMs).to.be.a("number");
      });

      it("hashes the bytes as they came: half a character and repeated keys change nothing", async () => {
        const text = Buffer.concat([
          Buffer.from(body().slice(0, -1)),
          Buffer.from(',"x":"'),
          Buffer.from([0xff, 0xfe]),
          Buffer.from('","x":2}'),
        ]);
        const answer = await ingress.deliver(connection, sign(text), text);
        expect(answer.json).to.have.property("outcome", "accepted");
        expect(await ingress.store.counts()).to.include({ pending: 1 });
      });
    });
  }

  it("makes an id of the body where Jira's own, which is not signed, is unfit for one", async () => {
    for (const [n, id] of ["x".repeat(500), "with spaces", ["twice", "twice"]].entries()) {
      const headers = { ...jiraHeaders(jiraBody(n)), "x-atlassian-webhook-identifier": id };
      const answer = await ingress.deliver("jira", headers, jiraBody(n));
      expect(answer.json)
        .to.have.property("delivery")
        .that.matches(/^[0-9a-f]{64}$/);
    }
  });

  it("counts deliveries by outcome", async () => {
    const headers = snowHeaders(snowBody());
    await ingress.deliver("snow", headers, snowBody());
    await ingress.deliver("snow", headers, snowBody());
    await ingress.deliver("snow", {}, snowBody());
    const count = (outcome: string) =>
      ingress.metrics.total("interlock_signals_total", { connection: "snow", outcome });
    expect([await count("accepted"), await count("duplicate"), await count("bad_signature")]).to.deep.equal([1, 1, 1]);
  });

  it("answers 404 for a connection that is not configured, whatever it is called", async () => {
    for (const name of ["hr", "constructor", "__proto__", "toString", "SNOW"]) {
      const answer = await ingress.deliver(name, snowHeaders(snowBody()), snowBody());
      expect(answer.status, name).to.equal(404);
      expect(answer.json).to.have.property("error", "unknown_connection");
    }
    expect(await ingress.store.counts()).to.include({ signals: 0 });
  });

  it("answers 400 to an address that cannot be decoded", async () => {
    expect((await ingress.deliver("%E0%A4%A", {}, "x")).status).to.equal(400);
  });

  it("is only there for POST", async () => {
    for (const method of ["GET", "PUT", "DELETE"]) {
      const answer = await send(`${ingress.url}/webhooks/snow`, { method });
      expect(answer.status, method).to.equal(405);
      expect(answer.headers["allow"]).to.equal("POST");
      expect(answer.json).to.have.property("error", "method_not_allowed");
    }
  });
});
