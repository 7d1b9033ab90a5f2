import { readdirSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { type CallDispatcher, installDispatcher } from "../../../connectors/jira/http.ts";
import type { NativeApproval } from "../../../core/ports.ts";
import { type JiraSim, startJiraSim } from "../../sim/jira.ts";
import { CALL_TIMEOUT_MS, faultOf } from "../open.ts";
import { type OpenedParts, openParts } from "./parts.ts";

const ABEL = { by: "5b10-abel" };
const BETH = { by: "5b10-beth" };
const MINUTE = 60_000;

describe("Jira: service desk", () => {
  let dispatcher: CallDispatcher;
  let sim: JiraSim;
  let opened: OpenedParts;
  let nowMs: number;
  let ref: { id: string; key: string };

  beforeEach(async () => {
    nowMs = Date.UTC(2026, 0, 31, 10, 0, 0);
    dispatcher = installDispatcher(CALL_TIMEOUT_MS);
    sim = await startJiraSim({ now: () => nowMs });
    opened = openParts(sim);
    ref = sim.create("CHG", { summary: "Replace the switch", issuetype: "Change" }, ABEL);
    for (const to of ["Review", "Awaiting approval"]) sim.transition(ref.id, to, ABEL);
  });
  afterEach(async () => {
    await opened.close();
    await sim.close();
    await dispatcher.close();
  });

  const approvals = async (): Promise<NativeApproval[]> => opened.parts.readApprovals(ref);
  const ask = (...approvers: string[]) => sim.serviceDesk.ask(ref.id, { name: "CAB", approvers, needed: 2 }).id;

  it("reads a request", async () => {
    const request = await opened.parts.readRequest(ref);
    expect(request).to.deep.include({ id: ref.id, key: ref.key, status: "Awaiting approval", reporterId: ABEL.by });
    expect(request).to.include({ createdAtMs: nowMs, statusAtMs: nowMs });
    expect(request.fields.get("summary")).to.equal("Replace the switch");
  });

  it("not_found: an issue that is no request, with what may be wrong", async () => {
    for (const status of [403, 404]) {
      sim.faults.add({ path: /servicedeskapi/, kind: "status", status, body: { errorMessage: "Replace the switch" } });
      const fault = await faultOf(opened.parts.readRequest(ref));
      expect(fault).to.include({ kind: status === 404 ? "not_found" : "rejected" });
      expect(fault.message).to.contain(ref.key).and.contain("no agent").and.not.contain("switch");
    }
  });

  describe("approvals", () => {
    it("are one answer per person and round", async () => {
      const id = ask(ABEL.by, BETH.by);
      const [abel, beth, ...more] = await approvals();
      expect(more).to.be.empty;
      const open = { state: "requested", answeredBy: null, answeredAtMs: null, approvalId: id, askedAtMs: nowMs };
      expect(abel).to.deep.equal({ id: `${id}:${ABEL.by}`, approverId: ABEL.by, ...open });
      expect(beth).to.deep.equal({ id: `${id}:${BETH.by}`, approverId: BETH.by, ...open });
    });

    it("approved: say who; when only where one answer decided, since Jira dates the last one", async () => {
      const id = ask(ABEL.by, BETH.by);
      nowMs += MINUTE;
      sim.serviceDesk.answer(id, "approved", BETH);
      const answered = { state: "approved", answeredBy: BETH.by, answeredAtMs: null };
      expect((await approvals())[1], "still pending as a whole").to.deep.include(answered);
      nowMs += MINUTE;
      sim.serviceDesk.answer(id, "approved", ABEL);
      expect((await approvals())[1], "the date may be the other's").to.deep.include(answered);
      expect((await opened.parts.readRequest(ref)).status).to.equal("Scheduled");
    });

    it("rejected: by the one, and moot for the other", async () => {
      const id = ask(ABEL.by, BETH.by);
      nowMs += MINUTE;
      sim.serviceDesk.answer(id, "declined", BETH);
      const [abel, beth] = await approvals();
      expect(beth).to.deep.include({ state: "rejected", answeredBy: BETH.by, answeredAtMs: nowMs });
      expect(abel).to.deep.include({ state: "cancelled", answeredBy: null, answeredAtMs: null });
    });

    it("of an earlier round stay apart from the present one", async () => {
      const first = ask(ABEL.by, BETH.by);
      sim.serviceDesk.answer(first, "declined", BETH);
      nowMs += MINUTE;
      const second = ask(BETH.by);
      const rounds = (await opened.parts.readApprovals(ref)).map(({ approvalId, state }) => `${approvalId} ${state}`);
      expect(rounds).to.deep.equal([`${first} cancelled`, `${first} rejected`, `${second} requested`]);
    });

    it("other: a word that Jira does not use today is nobody's consent", async () => {
      const approver = { approver: { accountId: ABEL.by }, approverDecision: "delegated" };
      const pending = { approver: { accountId: BETH.by }, approverDecision: "pending" };
      const createdDate = { epochMillis: nowMs };
      const values = [{ id: "1", finalDecision: "withdrawn", createdDate, approvers: [approver, pending] }];
      sim.faults.add({ path: /approval/, kind: "status", status: 200, body: { start: 0, isLastPage: true, values } });
      expect((await approvals()).map(({ state }) => state)).to.deep.equal(["other", "other"]);
    });

    it("come in pages, all of them", async () => {
      for (let n = 0; n < 51; n += 1) ask(ABEL.by);
      expect(await approvals()).to.have.lengthOf(51);
      expect(opened.calls).to.deep.equal(["read_approvals", "read_approvals"]);
    });

    it("protocol: more than can be read is no list, since a refusal may be behind it", async () => {
      for (let n = 0; n < 501; n += 1) ask(ABEL.by);
      const fault = await faultOf(approvals());
      expect(fault).to.include({ kind: "protocol" });
      expect(fault.message).to.contain(ref.key).and.contain("more than 500");
    });

    it("protocol: a page that does not lead on", async () => {
      for (const body of [
        { start: 0, isLastPage: false, values: [] },
        { start: 50, isLastPage: true, values: [] },
      ]) {
        sim.faults.add({ path: /approval/, kind: "status", status: 200, body });
        expect(await faultOf(approvals())).to.include({ kind: "protocol" });
      }
    });

    it("unavailable: an answer that is no list, or of no approvals, never an empty one", async () => {
      for (const body of [{}, { start: 0, values: [] }, { start: 0, isLastPage: true, values: [{ id: "1" }] }]) {
        sim.faults.add({ path: /approval/, kind: "status", status: 200, body });
        expect(await faultOf(approvals()), JSON.stringify(body)).to.include({ kind: "unavailable" });
      }
    });

    it("are never answered by us: no source has the means, and nothing but questions was sent", async () => {
      ask(ABEL.by, sim.integration.accountId);
      await approvals();
      await opened.parts.readRequest(ref);
      await opened.parts.readSlas(ref);
      expect(sim.requests.map(({ method }) => method)).to.deep.equal(["GET", "GET", "GET"]);
      const sources = ["cli", "connectors", "core", "routes"].flatMap((folder) =>
        readdirSync(folder, { recursive: true, encoding: "utf8" })
          .filter((path) => path.endsWith(".ts"))
          .map((path) => `${folder}/${path}`),
      );
      expect(sources).to.include("connectors/jira/service-desk.ts");
      for (const path of sources)
        expect(readFileSync(path, "utf8"), path).to.not.match(/answerApproval|performCustomerTransition/);
    });
  });

  describe("SLA clocks", () => {
    it("run, in ms", async () => {
      sim.serviceDesk.startSla(ref.id, { name: "Time to resolution", goalMs: 30 * MINUTE });
      const startAtMs = nowMs;
      nowMs += 10 * MINUTE;
      const [sla] = await opened.parts.readSlas(ref);
      expect(sla).to.deep.equal({
        id: "1",
        name: "Time to resolution",
        completed: [],
        ongoing: {
          startAtMs,
          stopAtMs: null,
          breachAtMs: startAtMs + 30 * MINUTE,
          breached: false,
          paused: false,
          goalMs: 30 * MINUTE,
          elapsedMs: 10 * MINUTE,
          remainingMs: 20 * MINUTE,
        },
      });
    });

    it("are breached with less than nothing left, stop, and run anew", async () => {
      sim.serviceDesk.startSla(ref.id, { name: "Response", goalMs: MINUTE });
      nowMs += 3 * MINUTE;
      sim.serviceDesk.turnSla(ref.id, "Response", "stop");
      const stopAtMs = nowMs;
      nowMs += MINUTE;
      sim.serviceDesk.startSla(ref.id, { name: "Response", goalMs: MINUTE });
      const [sla] = await opened.parts.readSlas(ref);
      expect(sla?.completed).to.have.lengthOf(1);
      expect(sla?.completed[0]).to.include({
        breached: true,
        stopAtMs,
        elapsedMs: 3 * MINUTE,
        remainingMs: -2 * MINUTE,
      });
      expect(sla?.ongoing).to.include({ breached: false, startAtMs: nowMs });
    });

    it("that are paused have no time of breach", async () => {
      sim.serviceDesk.startSla(ref.id, { name: "Response", goalMs: MINUTE });
      sim.serviceDesk.turnSla(ref.id, "Response", "pause");
      expect((await opened.parts.readSlas(ref))[0]?.ongoing).to.include({ paused: true, breachAtMs: null });
    });

    it("there may be none", async () => {
      expect(await opened.parts.readSlas(ref)).to.deep.equal([]);
    });
  });
});
