import { expect } from "chai";
import { spendLines } from "../../core/advice/budget.ts";
import { type SpendingAsked, spendingNow } from "../../core/advice/spending.ts";
import { type Answer, send } from "./client.ts";
import { ADMIN_TOKEN, type Ingress, startIngress } from "./ingress.ts";

const NOW_MS = Date.parse("2026-01-31T09:30:00Z");
const BUDGETS = {
  day: 10_000_000,
  steps: { classify: { hour: 2_500_000 } },
  connections: { snow: { day: 5_000_000 } },
  teams: { Network: { day: 1_000_000 } },
};
const DEMOTED = {
  by: "local:abc",
  field: "category",
  label: "network",
  since: "2026-01-30T08:00:00.000Z",
  tickets: 40,
  errors: 9,
  targetBp: 500,
} as const;

describe("GET /api/spend", () => {
  let ingress: Ingress;
  let asked: Partial<SpendingAsked>;

  beforeEach(async () => {
    asked = {};
    ingress = await startIngress({
      spending: () => {
        const shared = { memory: ingress.store, rules: [], restored: [], nowMs: NOW_MS };
        return spendingNow({ ...shared, budgets: BUDGETS, currency: "EUR", ...asked });
      },
    });
  });
  afterEach(() => ingress.close());

  const get = (headers = { authorization: `Bearer ${ADMIN_TOKEN}` }): Promise<Answer> =>
    send(`${ingress.url}/api/spend`, { headers });
  /** Pays for a call at that hour. */
  const pay = async (micros: number, atMs = NOW_MS): Promise<void> => {
    const lines = spendLines(BUDGETS, { step: "classify", connection: "snow", team: "Network" }, atMs);
    expect(await ingress.store.reserve(lines, 500_000)).to.deep.equal({ reserved: true });
    await ingress.store.settleSpend(lines, { reservedMicros: 500_000, spentMicros: micros });
  };
  const line = (json: unknown, scope: string, length: string): unknown =>
    (json as { lines: { scope: string; length: string }[] }).lines.find(
      (each) => each.scope === scope && each.length === length,
    );

  it("says nothing without the admin token", async () => {
    const { status, json } = await get({ authorization: "Bearer nobody" });
    expect(status).to.equal(401);
    expect(json).to.have.property("error", "unauthorized");
  });

  it("says what this hour and this day cost, account by account, against their caps", async () => {
    await pay(12_345);
    await pay(1_000, NOW_MS - 3_600_000);
    await pay(99_000, NOW_MS - 86_400_000);
    const { status, json } = await get();
    expect(status).to.equal(200);
    expect(json).to.include({ enabled: true, currency: "EUR", hour: "2026-01-31T09", day: "2026-01-31" });
    const all = { scope: "all", calls: 2, micros: 13_345, amount: "0.01", capMicros: 10_000_000, cap: "10.00" };
    expect(line(json, "all", "day")).to.deep.equal({ ...all, length: "day", span: "2026-01-31" });
    expect(line(json, "all", "hour")).to.include({ micros: 12_345, calls: 1, capMicros: null, cap: null });
    expect(line(json, "step/classify", "hour")).to.include({ micros: 12_345, cap: "2.50" });
    expect(line(json, "connection/snow", "day")).to.include({ micros: 13_345, cap: "5.00" });
    expect(line(json, "team/Network", "day")).to.include({ micros: 13_345, cap: "1.00" });
  });

  it("shows a cap that nothing was spent of yet, also one of autonomy.yaml", async () => {
    asked = { rules: [{ rule: "incidents", dayMax: 500_000 }] };
    const { json } = await get();
    expect(line(json, "autonomy/incidents", "day")).to.include({ micros: 0, amount: "0.00", cap: "0.50", calls: 0 });
    expect(line(json, "all", "day")).to.include({ micros: 0, cap: "10.00" });
    expect(line(json, "all", "hour")).to.equal(undefined);
  });

  it("names the classes that are only suggested, until they are restored", async () => {
    await ingress.store.demote(DEMOTED);
    expect((await get()).json)
      .to.have.property("demoted")
      .that.deep.equals([DEMOTED]);
    asked = { restored: [{ field: "category", label: "network", sinceMs: NOW_MS }] };
    expect((await get()).json)
      .to.have.property("demoted")
      .that.deep.equals([]);
  });

  it("lists nothing where AI is off", async () => {
    await pay(12_345);
    asked = { budgets: undefined, currency: undefined };
    const none = { enabled: false, currency: null, lines: [], demoted: [] };
    expect((await get()).json).to.deep.equal({ ...none, hour: "2026-01-31T09", day: "2026-01-31" });
  });
});
