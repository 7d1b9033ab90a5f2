import { expect } from "chai";
import { RISK_FEATURES } from "../../../core/risk/features.ts";
import { type ClosedChange, knownHistory } from "../../../core/risk/history.ts";
import type { RiskCase } from "../../../core/risk/train.ts";
import { prng, shuffled } from "../../support/prng.ts";
import { madeUpChanges } from "./changes.ts";

const DAY_MS = 86_400_000;

/** A change that begins at noon of a day counted from 2024 on and is closed two hours later. */
function change(number: string, day: number, patch: Partial<ClosedChange> = {}): ClosedChange {
  const at = (hours: number): string => new Date(Date.UTC(2024, 0, day, hours)).toISOString();
  const times = { plannedStart: at(12), plannedEnd: at(13), closedAt: at(14) };
  return { number, ci: "db", group: "DBA", model: "patch", type: "normal", ...times, failed: false, ...patch };
}

function known(each: RiskCase | undefined): Record<string, number | undefined> {
  return Object.fromEntries(RISK_FEATURES.map(({ name }, at) => [name, each?.values[at]]));
}

describe("the history of closed changes", () => {
  it("counts for a change what was closed in the 90 days before it was to begin, by item, group and model", () => {
    const { cases, first } = knownHistory([
      change("1", 1, { failed: true }),
      change("2", 110, { failed: true }),
      change("3", 120, { ci: "web", failed: true }),
      change("4", 130, { ci: "web", group: "Web", model: "" }),
      change("5", 195, { type: "emergency", incidents: 4 }),
    ]);
    expect([cases.length, first]).to.deep.equal([4, 1]);
    expect(known(cases[3])).to.deep.include({
      ...{ changes: 1, failedChanges: 1, daysSinceChange: 84, firstChange: 0 },
      ...{ groupChanges: 2, groupFailed: 2, modelChanges: 2, modelFailed: 2 },
      ...{ incidents: 4, windowMinutes: 60, startsUtc12to18: 1, startsUtc06to12: 0, emergency: 1, standard: 0 },
    });
    expect(known(cases[2])).to.deep.include({ changes: 1, groupChanges: 0, modelChanges: 0, incidents: undefined });
  });

  it("knows nothing of what was closed later, nor of how a change itself came out", () => {
    const before = [change("1", 1), change("2", 110)];
    const about = change("3", 120);
    const after = [change("4", 119, { closedAt: "2024-06-30T00:00:00.000Z", failed: true }), change("5", 140)];
    const values = (changes: readonly ClosedChange[]): unknown =>
      knownHistory(changes).cases.find(({ startsAt }) => startsAt === about.plannedStart)?.values;
    expect(values([...before, about, ...after])).to.deep.equal(values([...before, about]));
    expect(values([...before, { ...about, failed: true }])).to.deep.equal(values([...before, about]));
  });

  it("does not take changes without an item, group or model for changes of the same", () => {
    const none = { ci: "", group: "", model: "" };
    const { cases } = knownHistory([change("1", 1, none), change("2", 100, none), change("3", 101, none)]);
    expect(known(cases[1])).to.deep.include({ changes: 0, groupChanges: 0, modelChanges: 0, firstChange: 1 });
    expect(known(cases[1])["daysSinceChange"]).to.equal(undefined);
  });

  it("is the same as counting them one by one, in whatever order they come", () => {
    const changes = madeUpChanges(600);
    const { cases } = knownHistory(shuffled(changes, prng(3)));
    expect(cases).to.deep.equal(knownHistory(changes).cases);
    for (const each of cases.filter((_, at) => at % 50 === 0)) {
      const itself = changes.find(({ plannedStart }) => plannedStart === each.startsAt);
      const startMs = Date.parse(each.startsAt);
      const recent = changes.filter(({ ci, closedAt }) => {
        const agoMs = startMs - Date.parse(closedAt);
        return ci === itself?.ci && agoMs > 0 && agoMs <= 90 * DAY_MS;
      });
      expect(known(each)).to.deep.include({
        changes: recent.length,
        failedChanges: recent.filter(({ failed }) => failed).length,
      });
    }
  });
});
