import { expect } from "chai";
import { ConnectorError, FAULT_KINDS, FAULT_RETRY, type FaultKind } from "../../../core/errors.ts";
import { inputsOf } from "../../../core/policy/decide.ts";
import type { FactName, Facts } from "../../../core/policy/facts.ts";
import type { Inputs } from "../../../core/policy/inputs.ts";
import type { Desk, FactSource, FactSources, ReconcileDeps } from "../../../core/reconcile/deps.ts";
import { fetchFacts } from "../../../core/reconcile/facts.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { stoppedClock } from "../../contract/sqlite-rig.ts";
import { recordingLog } from "../../routes/recording-log.ts";
import { decided, policyOf } from "../support/policies.ts";
import { ticketWith } from "../support/tickets.ts";
import { impactOf } from "../support/worlds.ts";

const BETH = { id: "beth", name: "Beth", email: "beth@example.com" };
const TICKET = ticketWith({ ci: "DB-01", ciId: "db", requester: BETH });

describe("facts, fetched for a ticket", () => {
  function stage(
    facts: FactSources,
    mayRead: (connection: string) => boolean = () => true,
    kept: Record<string, Inputs> = {},
    adviser?: ReconcileDeps["adviser"],
  ) {
    const counted: string[] = [];
    const log = recordingLog();
    const meter = { count: (name: string, labels: object) => counted.push(`${name} ${JSON.stringify(labels)}`) };
    // Of a desk, facts are all that is looked at.
    const desk = { facts } as Desk;
    const clock = stoppedClock();
    const store = {
      decided: async (id: string) => (kept[id] ? { ticket: "t", inputs: kept[id], decidedAtMs: 0 } : undefined),
      failedChecks: async (ticket: string, sinceMs: number) => [
        `${ticket} ${new Date(sinceMs).toISOString().slice(11, 16)}`,
      ],
    };
    const deps = { log, meter, mayRead, clock, store, ...(adviser && { adviser }) };
    const fetch = async (needs: FactName[], ticket = TICKET, last?: string): Promise<Facts> =>
      (await fetchFacts(deps, desk, ticket, { needs, facts: {}, policy: policyOf([]), last })).facts;
    return { fetch, counted, log };
  }
  const month = (ask: FactSource<"spend">["ask"]): FactSources => ({ spend: { connection: "snow", ask } });
  const failing = (kind: FaultKind): FactSources =>
    month(() => Promise.reject(new ConnectorError({ kind, connection: "snow", message: "snow said no" })));

  it("are the cheapest of those that are needed, one at a time", async () => {
    const { fetch } = stage(month(async () => ({ month: 5 })));
    expect(await fetch(["spend", "advice"])).to.deep.equal({ spend: { month: 5 } });
    expect(await fetch([])).to.deep.equal({});
  });

  it("of what follows from a change are its system's incidents and the checks that failed since it began", async () => {
    const ticket = ticketWith({
      ...{ kind: "change", status: "review" },
      change: { ...TICKET.change, plannedStart: "1969-12-31T22:00:00.000Z", plannedEnd: "1969-12-31T23:00:00.000Z" },
    });
    const ask = async (): Promise<number[]> => [0, 2, 0, 0, 0];
    const known = { since: "1969-12-31T23:00:00.000Z", failedChecks: ["snow/incident/5f3a1b2c 22:00"] };
    const answered = stage({ aftermath: { connection: "snow", ask } });
    expect(await answered.fetch(["aftermath"], ticket)).to.deep.equal({
      aftermath: { ...known, incidents: [0, 2, 0, 0, 0] },
    });
    expect(await stage({}).fetch(["aftermath"], ticket)).to.deep.equal({ aftermath: { ...known, incidents: null } });
    const refuse = (kind: FaultKind): FactSources => ({
      aftermath: {
        connection: "snow",
        ask: () => Promise.reject(new ConnectorError({ kind, connection: "snow", message: "snow said no" })),
      },
    });
    const refused = stage(refuse("rejected"));
    expect(await refused.fetch(["aftermath"], ticket)).to.deep.equal({ aftermath: { ...known, incidents: null } });
    expect(refused.counted).to.deep.equal(['interlock_facts_failed_total {"fact":"aftermath"}']);
    const down = await stage(refuse("unavailable"))
      .fetch(["aftermath"], ticket)
      .catch((error: unknown) => error);
    expect(down).to.be.instanceOf(ConnectorError);
    expect(await answered.fetch(["aftermath"])).to.deep.equal({ aftermath: null });
  });

  it("of a change's impact are those of the last decision on the same version of it, and read again for another", async () => {
    const change = ticketWith({
      kind: "change",
      change: { ...TICKET.change, plannedStart: "2026-03-10T20:00:00.000Z" },
    });
    const policy = policyOf([]);
    const facts = { impact: impactOf(7) };
    const inputs = inputsOf(change, facts, policy, 0, decided(change, policy, 0, facts));
    const asked: string[] = [];
    const ask = async (ticket: Ticket) => {
      asked.push(ticket.revision);
      return impactOf(9);
    };
    const { fetch } = stage({ impact: { connection: "snow", ask } }, undefined, { d1: inputs });
    expect(await fetch(["impact"], { ...change, revision: "99", priority: 1 }, "d1")).to.deep.equal(facts);
    expect(asked).to.deep.equal([]);
    const moved = { ...change, change: { ...change.change, plannedStart: "2026-03-11T20:00:00.000Z" } };
    expect(await fetch(["impact"], moved, "d1")).to.deep.equal({ impact: impactOf(9) });
    expect(await fetch(["impact"], change, "another")).to.deep.equal({ impact: impactOf(9) });
    expect(await fetch(["impact"], change)).to.deep.equal({ impact: impactOf(9) });
  });

  it("of what a model made of a change are those of the last decision on the same version and the same texts", async () => {
    const change = ticketWith({ kind: "change", title: "Swap the switch" });
    const policy = policyOf([]);
    const named = { factors: ["no_backout"], by: "main:m" };
    const facts = { ci: null, assessment: named };
    const inputs = inputsOf(change, facts, policy, 0, decided(change, policy, 0, facts));
    const asked: string[] = [];
    const spenders: unknown[] = [];
    const adviser: NonNullable<ReconcileDeps["adviser"]> = {
      classify: () => Promise.reject(new Error("it is asked about something else")),
      assess: async ({ title }, spender) => {
        asked.push(title);
        spenders.push(spender);
        return { fact: { factors: [], by: "main:m" } };
      },
      summarise: async () => ({}),
    };
    const { fetch } = stage({}, undefined, { d1: inputs }, adviser);
    expect(await fetch(["assessment"], { ...change, revision: "99", priority: 1 }, "d1")).to.deep.equal({
      assessment: named,
    });
    expect(asked).to.deep.equal([]);
    const anew = { assessment: { factors: [], by: "main:m" } };
    expect(await fetch(["assessment"], { ...change, description: "At noon" }, "d1")).to.deep.equal(anew);
    expect(await fetch(["assessment"], { ...change, service: "Mail" }, "d1")).to.deep.equal(anew);
    expect(await fetch(["assessment"], change)).to.deep.equal(anew);
    expect(asked).to.have.length(3);
    expect(spenders[0]).to.deep.include({ step: "assess_change", connection: change.ref.connection });
    expect(await stage({}).fetch(["assessment"], change)).to.deep.equal({ assessment: null });
  });

  it("are null where nobody can be asked, and where whoever was asked has no answer", async () => {
    expect(await stage({}).fetch(["spend"])).to.deep.equal({ spend: null });
    expect(await stage(month(async () => null)).fetch(["spend"])).to.deep.equal({ spend: null });
  });

  it("about an item that a ticket does not name are empty texts, and nobody is asked", async () => {
    const empty = { name: "", className: "", environment: "", criticality: "", owner: "" };
    expect(await stage({}).fetch(["ci"], ticketWith({ ci: "", ciId: "" }))).to.deep.equal({ ci: empty });
    for (const named of [
      { ci: "DB-01", ciId: "" },
      { ci: "", ciId: "db" },
    ])
      expect(await stage({}).fetch(["ci"], ticketWith(named)), JSON.stringify(named)).to.deep.equal({ ci: null });
  });

  it("about the groups of nobody are none, and nobody is asked", async () => {
    const nobody = { id: "", name: "", email: "" };
    const unnamed = ticketWith({ requester: nobody, assignee: nobody });
    expect(await stage({}).fetch(["members"], unnamed)).to.deep.equal({ members: {} });
    const assigned = ticketWith({ requester: nobody, assignee: BETH });
    expect(await stage({}).fetch(["members"], assigned)).to.deep.equal({ members: null });
  });

  for (const kind of FAULT_KINDS) {
    const later = FAULT_RETRY[kind] === "outage";
    it(`of a source that fails with ${kind} ${later ? "wait until it can answer" : "are not known"}`, async () => {
      const { fetch, counted, log } = stage(failing(kind));
      if (later) {
        const fault = await fetch(["spend"]).catch((error: unknown) => error);
        expect(fault).to.be.instanceOf(ConnectorError).and.to.include({ kind });
        expect(log.lines).to.be.empty;
      } else {
        expect(await fetch(["spend"])).to.deep.equal({ spend: null });
        expect(log.text()).to.contain("snow said no").and.to.contain("spend");
      }
      expect(counted).to.deep.equal(['interlock_facts_failed_total {"fact":"spend"}']);
    });
  }

  it("are not asked of an instance that is not the right one, and not believed if that comes to light", async () => {
    let asked = 0;
    let right = false;
    const { fetch } = stage(
      month(async () => {
        asked += 1;
        right = false;
        return { month: 0 };
      }),
      () => right,
    );
    for (const [known, times] of [
      [false, 0],
      [true, 1],
    ] as const) {
      right = known;
      const fault = await fetch(["spend"]).catch((error: unknown) => error);
      expect(fault).to.be.instanceOf(ConnectorError).and.to.include({ kind: "unavailable", connection: "snow" });
      expect(String(fault)).to.contain("interlock identity confirm snow");
      expect(asked).to.equal(times);
    }
  });
});
