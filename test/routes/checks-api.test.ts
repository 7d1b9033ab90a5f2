import { expect } from "chai";
import { type Answer, send } from "./client.ts";
import { ADMIN_TOKEN, type Ingress, startIngress } from "./ingress.ts";

const PATH = "/api/tickets/jira/CHG-7/checks";

describe("POST /api/tickets/:connection/:key/checks", () => {
  let ingress: Ingress;

  beforeEach(async () => {
    ingress = await startIngress();
    const target = { type: "issue", recordId: "10040", recordKey: "CHG-7" };
    const from = { connection: "jira", deliveryId: "d1", bodyDigest: "0".repeat(64), receivedAtMs: 1 };
    await ingress.store.accept([{ ...from, cause: "webhook", target }], 0);
  });
  afterEach(() => ingress.close());

  const post = (body: string, path = PATH, token = ADMIN_TOKEN): Promise<Answer> =>
    send(`${ingress.url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body,
    });
  const failed = (): Promise<string[]> => ingress.store.failedChecks("jira/issue/10040", 0);

  it("keeps a report, found by key or by id, and answers 202", async () => {
    const answer = await post('{"name":"smoke-test","passed":false}');
    expect([answer.status, answer.json]).to.deep.equal([202, { outcome: "recorded" }]);
    expect(await failed()).to.deep.equal(["smoke-test"]);
    const at = new Date().toISOString();
    await post(JSON.stringify({ name: "smoke-test", passed: true, at }), "/api/tickets/jira/10040/checks");
    expect(await failed()).to.deep.equal([]);
  });

  it("takes the hour that it is told, with its zone", async () => {
    await post('{"name":"old","passed":false,"at":"2026-01-01T01:00:00+01:00"}');
    expect(await ingress.store.failedChecks("jira/issue/10040", Date.UTC(2026, 0, 1))).to.deep.equal(["old"]);
    expect(await ingress.store.failedChecks("jira/issue/10040", Date.UTC(2026, 0, 1) + 1)).to.deep.equal([]);
  });

  it("refuses everything else, keeps nothing of it, and repeats none of it", async () => {
    const wrong = [
      "",
      "nonsense",
      "[]",
      "null",
      '{"name":"smoke"}',
      '{"name":"smoke","passed":"no"}',
      '{"name":"","passed":false}',
      '{"name":"[il:x]","passed":false}',
      '{"name":"a\\nb","passed":false}',
      `{"name":"${"a".repeat(101)}","passed":false}`,
      '{"name":"smoke","passed":false,"text":"kumquat"}',
      '{"name":"smoke","passed":false,"at":"yesterday"}',
      '{"name":"smoke","passed":false,"at":"2026-01-01T01:00:00"}',
    ];
    for (const body of wrong) {
      const answer = await post(body);
      expect(answer.status, body).to.equal(400);
      expect(answer.json, body).to.have.property("error", "bad_request");
      expect(answer.text, body).not.to.contain("kumquat");
    }
    expect((await post(`{"name":"${"a".repeat(5_000)}"}`)).status).to.equal(413);
    expect(await failed()).to.deep.equal([]);
  });

  it("needs the admin token, and a ticket that is known", async () => {
    expect((await post('{"name":"smoke","passed":false}', PATH, "another")).status).to.equal(401);
    const unknown = await post('{"name":"smoke","passed":false}', "/api/tickets/jira/CHG-8/checks");
    expect([unknown.status, unknown.json]).to.deep.include.members([404]);
    expect(unknown.json).to.have.property("error", "unknown_ticket");
    expect(await failed()).to.deep.equal([]);
  });

  it("takes no more names than a change can have", async () => {
    for (let at = 0; at < 50; at += 1) await post(`{"name":"check ${at}","passed":true}`);
    const answer = await post('{"name":"one more","passed":false}');
    expect(answer.status).to.equal(409);
    expect(answer.json).to.have.property("error", "too_many_checks");
  });
});
