import { expect } from "chai";
import { witnessLine } from "../../core/ledger/checkpoint.ts";
import type { NewSignal } from "../../core/store/store.ts";
import { newSigner } from "../core/ledger/ledgers.ts";
import { type Answer, type Question, send } from "./client.ts";
import { ADMIN_TOKEN, type Ingress, startIngress } from "./ingress.ts";

const hint = (recordId: string, recordKey: string): NewSignal => ({
  connection: "jira",
  cause: "webhook",
  deliveryId: `delivery-${recordId}`,
  bodyDigest: recordId.padStart(64, "0"),
  receivedAtMs: 1,
  target: { type: "issue", recordId, recordKey },
});

describe("/api", () => {
  let ingress: Ingress;

  beforeEach(async () => {
    ingress = await startIngress();
  });
  afterEach(() => ingress.close());

  const ask = (path: string, question: Question = {}): Promise<Answer> =>
    send(`${ingress.url}${path}`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` }, ...question });
  /** A ticket that waits for a person. */
  const park = async (recordId: string, recordKey: string): Promise<void> => {
    await ingress.store.accept([hint(recordId, recordKey)], 0);
    for (const claim of await ingress.store.claim("test", 10, 60_000))
      await ingress.store.park(claim, "auth", "the token");
  };

  describe("without the admin token", () => {
    const PATHS = [
      "/api/parked",
      "/api/tickets/jira/OPS-7",
      "/api/parked/jira/OPS-7/redrive",
      "/api/ledger/checkpoint",
      "/api",
      "/api/nothing",
    ];
    const WRONG = [
      "",
      "Bearer",
      `Bearer ${ADMIN_TOKEN}x`,
      `bearer ${ADMIN_TOKEN}`,
      ADMIN_TOKEN,
      `Basic ${ADMIN_TOKEN}`,
    ];
    for (const path of PATHS) {
      it(`says 401 and nothing else: ${path}`, async () => {
        for (const authorization of WRONG) {
          const headers = authorization === "" ? {} : { authorization };
          const answer = await ask(path, { method: path.endsWith("redrive") ? "POST" : "GET", headers });
          expect(answer.status, authorization).to.equal(401);
          expect(answer.headers["www-authenticate"]).to.equal('Bearer realm="interlock"');
          expect(answer.json).to.have.property("error", "unauthorized");
          expect(answer.text).to.not.contain(ADMIN_TOKEN);
        }
      });
    }

    it("redrives nothing", async () => {
      await park("10040", "OPS-7");
      await ask("/api/parked/jira/OPS-7/redrive", { method: "POST", headers: {} });
      expect(await ingress.store.counts()).to.include({ parked: 1 });
    });
  });

  it("answers nobody where no admin token is set, and says so", async () => {
    await ingress.close();
    ingress = await startIngress({ adminToken: null });
    for (const authorization of ["Bearer undefined", "Bearer ", `Bearer ${ADMIN_TOKEN}`]) {
      const answer = await ask("/api/parked", { headers: { authorization } });
      expect(answer.status).to.equal(401);
      expect(answer.json).to.have.property("message", "INTERLOCK_ADMIN_TOKEN is not set on the server");
    }
  });

  describe("GET /api/tickets/:connection/:key", () => {
    it("shows a ticket by what people call it and by its vendor's id", async () => {
      await ingress.store.accept([hint("10040", "OPS-7")], 0);
      const [byKey, byId] = [await ask("/api/tickets/jira/OPS-7"), await ask("/api/tickets/jira/10040")];
      expect(byKey.status).to.equal(200);
      expect(byKey.json).to.include({ ticket: "jira/issue/10040", connection: "jira", key: "OPS-7", revision: "" });
      expect(byKey.json).to.have.property("dueAtMs").that.is.a("number");
      expect(byId.json).to.deep.equal(byKey.json);
    });

    it("says 404 for one that no signal has named", async () => {
      await ingress.store.accept([hint("10040", "OPS-7")], 0);
      for (const path of ["/api/tickets/jira/OPS-8", "/api/tickets/snow/OPS-7", "/api/tickets/jira/%27%20or%201=1"]) {
        const answer = await ask(path);
        expect(answer.status, path).to.equal(404);
        expect(answer.json).to.have.property("error", "unknown_ticket");
      }
    });
  });

  describe("GET /api/ledger/checkpoint", () => {
    it("says 404 while nothing was signed, and then the last one with its line for notes", async () => {
      expect((await ask("/api/ledger/checkpoint")).status).to.equal(404);
      await park("10040", "OPS-7");
      const head = await ingress.store.treeHead();
      if (!head) throw new Error("the ledger has entries");
      const checkpoint = newSigner().sign(head, "2026-01-05T09:00:00.000Z");
      await ingress.store.keepCheckpoint(checkpoint);
      const { status, json } = await ask("/api/ledger/checkpoint");
      expect([status, json]).to.deep.equal([200, { ...checkpoint, line: witnessLine(checkpoint) }]);
    });
  });

  describe("GET /api/parked", () => {
    it("lists what waits for a person, with reason and detail", async () => {
      expect((await ask("/api/parked")).json).to.deep.equal({ parked: [], limit: 500 });
      await park("10040", "OPS-7");
      const { json } = await ask("/api/parked");
      expect(json).to.have.property("parked").with.length(1);
      expect(json).to.have.nested.property("parked[0].key", "OPS-7");
      expect(json).to.have.nested.property("parked[0].reason", "auth");
      expect(json).to.have.nested.property("parked[0].detail", "the token");
    });

    it("lists deliveries that point at nothing", async () => {
      const signal = { ...hint("1", "OPS-1"), target: { unlocated: "the body is not JSON" } };
      await ingress.store.accept([signal], 0);
      expect((await ask("/api/parked")).json).to.have.nested.property("parked[0].reason", "unlocated");
    });
  });

  describe("POST /api/parked/:connection/:key/redrive", () => {
    it("makes the ticket due, wakes the loop, and is told in the ledger", async () => {
      await park("10040", "OPS-7");
      const answer = await ask("/api/parked/jira/OPS-7/redrive", { method: "POST" });
      expect(answer.status).to.equal(202);
      expect(answer.json).to.deep.equal({ outcome: "due" });
      expect(await ingress.store.counts()).to.include({ parked: 0, pending: 1 });
      expect(ingress.woken()).to.equal(1);
      const last = (await ingress.store.entries(0, 100)).at(-1);
      expect(last).to.include({ kind: "redrive", ticket: "jira/issue/10040", body: '{"by":"api"}' });
    });

    it("dismisses a delivery that points at nothing, and says so", async () => {
      await ingress.store.accept([{ ...hint("1", "OPS-1"), target: { unlocated: "the body is not JSON" } }], 0);
      const [stray] = await ingress.store.parked(1);
      const answer = await ask(`/api/parked/jira/${stray?.key}/redrive`, { method: "POST" });
      expect([answer.status, answer.json]).to.deep.equal([202, { outcome: "dismissed" }]);
      expect((await ask("/api/parked")).json)
        .to.have.property("parked")
        .with.length(0);
    });

    it("says 404 for a ticket that is not parked, also when asked again", async () => {
      await park("10040", "OPS-7");
      const redrive = (key: string) => ask(`/api/parked/jira/${key}/redrive`, { method: "POST" });
      expect((await redrive("OPS-8")).status).to.equal(404);
      expect((await redrive("OPS-7")).status).to.equal(202);
      const again = await redrive("OPS-7");
      expect(again.status).to.equal(404);
      expect(again.json).to.have.property("error", "not_parked");
      expect(ingress.woken()).to.equal(1);
    });
  });
});
