import { expect } from "chai";
import { ConnectorError, FAULT_KINDS, FAULT_RETRY, type FaultKind } from "../../core/errors.ts";
import { Limits } from "../../core/limits.ts";
import { patience } from "../../core/patience.ts";
import { standingClock } from "../connectors/open.ts";

describe("patience", () => {
  const waits: number[] = [];
  const patiently = patience({
    clock: standingClock(),
    rng: { next: () => 0.5 },
    limits: Limits.parse({ retryBaseMs: 1_000, retryCapMs: 4_000 }),
    onWait: (waitMs) => void waits.push(waitMs),
  });
  beforeEach(() => {
    waits.length = 0;
  });

  /** Fails so many times, then answers how often it was asked. */
  function failing(times: number, kind: FaultKind, retryAfterMs?: number): () => Promise<number> {
    let asked = 0;
    return async () => {
      asked += 1;
      if (asked > times) return asked;
      throw new ConnectorError({ kind, connection: "snow", message: kind, ...(retryAfterMs && { retryAfterMs }) });
    };
  }
  const kindOf = (call: Promise<unknown>) =>
    call.then(
      () => "answered",
      (error: unknown) => (error instanceof ConnectorError ? error.kind : String(error)),
    );

  for (const kind of FAULT_KINDS)
    it(`${FAULT_RETRY[kind] === "outage" ? "asks again after" : "gives up at once on"} ${kind}`, async () => {
      const passes = FAULT_RETRY[kind] === "outage";
      expect(await kindOf(patiently(failing(3, kind)))).to.equal(passes ? "answered" : kind);
      expect(waits).to.have.length(passes ? 3 : 0);
    });

  it("waits longer every time, up to the cap, and at least as long as it is asked to", async () => {
    await patiently(failing(4, "unavailable"));
    expect(waits).to.deep.equal([1_000, 2_000, 2_000, 2_000]);
    waits.length = 0;
    await patiently(failing(1, "rate_limited", 60_000));
    expect(waits).to.deep.equal([61_000]);
  });

  it("ends after eight tries, and where it is asked to wait for more than a quarter of an hour", async () => {
    expect(await patiently(failing(7, "unavailable"))).to.equal(8);
    expect(await kindOf(patiently(failing(8, "unavailable")))).to.equal("unavailable");
    waits.length = 0;
    expect(await kindOf(patiently(failing(1, "rate_limited", 3_600_000)))).to.equal("rate_limited");
    expect(waits).to.deep.equal([]);
  });

  it("hands on what is no fault of a connector", async () => {
    expect(await kindOf(patiently(() => Promise.reject(new TypeError("a defect"))))).to.equal("TypeError: a defect");
  });
});
