import { expect } from "chai";
import { ConnectorError, type FaultKind } from "../../../core/errors.ts";
import type { Approvals, OpenRequest, RequestStanding } from "../../../core/gates/approvals.ts";
import { Limits } from "../../../core/limits.ts";
import { seeApprovals } from "../../../core/reconcile/approvals.ts";
import type { Desk, ReconcileDeps } from "../../../core/reconcile/deps.ts";
import type { Claim, Store } from "../../../core/store/store.ts";
import { memoryOf } from "../act/plans.ts";
import { ROUND } from "../support/rounds.ts";

function claimOf(id: string, waits: boolean): Claim {
  const gates = waits ? [{ ...ROUND, marker: `[il:${id}]` }] : [];
  return {
    ...{ ticket: `snow/incident/${id}`, connection: "snow", type: "incident", recordId: id, recordKey: id },
    ...{ generation: 1, fence: 1, attempts: 0, outages: 0, claimedAtMs: 0, open: [] },
    memory: { ...memoryOf({}), gates },
  };
}

/** Three tickets in one batch, of which one waits for nobody, and what became of them where some requests cannot be read. */
async function seen(kind: FaultKind, unreadable: readonly string[]) {
  const asked: number[] = [];
  const ended: string[] = [];
  const standing = async (requests: readonly OpenRequest[]): Promise<RequestStanding[]> => {
    asked.push(requests.length);
    if (requests.some(({ ref }) => unreadable.includes(ref.id)))
      throw new ConnectorError({ kind, connection: "snow", message: "too many rows" });
    return requests.map(() => ({
      state: "standing",
      atMs: 0,
      seen: "1",
      answers: [],
      names: new Map(),
      ...{ sideDoor: null, shut: false, spent: false },
    }));
  };
  const approvals: Pick<Approvals, "standing" | "electorate" | "ownIds"> = {
    standing,
    electorate: async () => ({
      eligible: { people: new Map(), delegates: new Map(), inactive: new Set() },
      ...{ unknown: [], names: new Map() },
    }),
    ownIds: async () => new Set(["bot"]),
  };
  const end = (how: string) => async (claim: Claim, reason: unknown) => {
    ended.push(`${claim.recordId} ${how} ${typeof reason === "string" ? reason : ""}`.trim());
    return true;
  };
  const nothing = (): void => undefined;
  const deps: Pick<ReconcileDeps, "store" | "clock" | "log" | "meter" | "limits" | "rng" | "desks"> = {
    store: { park: end("parked"), retry: end("again") } as Partial<Store> as Store, // whatever else is used of it fails
    clock: { now: () => 0, sleep: async () => undefined },
    log: { error: nothing, warn: nothing, info: nothing, debug: nothing },
    ...{ meter: { count: nothing }, limits: Limits.parse({}), rng: { next: () => 0 }, desks: new Map() },
  };
  const desk = { approvals } as Desk; // of a desk, its queue is all that is looked at
  const claims = [claimOf("a", true), claimOf("b", true), claimOf("c", false)];
  const { view, clear } = await seeApprovals(deps as ReconcileDeps, desk, claims); // nothing else of them is looked at
  return { asked, ended, clear: clear.map(({ recordId }) => recordId), markers: [...view.requests.keys()] };
}

describe("the queues, looked into for a batch of tickets", () => {
  it("are asked once for all", async () => {
    const { asked, ended, clear, markers } = await seen("rejected", []);
    expect({ asked, ended, clear, markers }).to.deep.equal({
      ...{ asked: [2], ended: [], clear: ["a", "b", "c"] },
      markers: ["[il:a]", "[il:b]"],
    });
  });

  it("approvals_unreadable: one request that cannot be judged waits for a person, and the others go on", async () => {
    const { asked, ended, clear, markers } = await seen("rejected", ["a"]);
    expect({ asked, ended, clear, markers }).to.deep.equal({
      ...{ asked: [2, 1, 1], ended: ["a parked approvals_unreadable"], clear: ["b", "c"] },
      markers: ["[il:b]"],
    });
  });

  it("of a system that is down are not asked again one by one; what waits for nobody goes on", async () => {
    const { asked, ended, clear } = await seen("unavailable", ["a"]);
    expect({ asked, ended, clear }).to.deep.equal({ asked: [2], ended: ["a again", "b again"], clear: ["c"] });
  });
});
