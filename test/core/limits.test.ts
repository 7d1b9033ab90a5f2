import { expect } from "chai";
import { Limits, relationsBroken } from "../../core/limits.ts";

function broken(changes: Partial<Limits>): string[] {
  return relationsBroken({ ...Limits.parse({}), ...changes });
}

describe("limits", () => {
  it("hold together as they are shipped", () => {
    expect(broken({})).to.deep.equal([]);
  });

  it("are bounds: every one is a whole number, and none may be below zero", () => {
    for (const [name, value] of Object.entries(Limits.parse({}))) {
      expect(Number.isSafeInteger(value), name).to.equal(true);
      for (const bad of [-1, 1.5, "1", null, Number.POSITIVE_INFINITY])
        expect(Limits.safeParse({ [name]: bad }).success, `${name}: ${String(bad)}`).to.equal(false);
    }
  });

  it("may be zero only where zero means at once, or none", () => {
    const names = Object.keys(Limits.parse({})).filter((name) => Limits.safeParse({ [name]: 0 }).success);
    for (const name of names)
      expect(name).to.match(/^(settleMs|restMs|staleReadMs|unknownOutcomeWaitMs|callSpacingMs|callsKeptMax)$/);
  });

  it("do not take a name nobody knows", () => {
    expect(Limits.safeParse({ leaseMS: 1 }).success).to.equal(false);
  });

  it("leaseMs is at least four times callTimeoutMs", () => {
    expect(broken({ leaseMs: 4_000, callTimeoutMs: 1_000 })).to.deep.equal([]);
    expect(broken({ leaseMs: 3_999, callTimeoutMs: 1_000 })).to.deep.equal([
      "leaseMs (3999) must be at least four times callTimeoutMs (1000)",
    ]);
  });

  it("retryCapMs is not below retryBaseMs", () => {
    expect(broken({ retryBaseMs: 500, retryCapMs: 500 })).to.deep.equal([]);
    expect(broken({ retryBaseMs: 500, retryCapMs: 499 })).to.deep.equal([
      "retryCapMs (499) must not be below retryBaseMs (500)",
    ]);
  });

  it("claimMax does not exceed inFlightMax", () => {
    expect(broken({ claimMax: 50, inFlightMax: 50 })).to.deep.equal([]);
    expect(broken({ claimMax: 51, inFlightMax: 50 })).to.deep.equal(["claimMax (51) must not exceed inFlightMax (50)"]);
  });

  it("intakeBatchMax does not exceed intakeQueueMax", () => {
    expect(broken({ intakeBatchMax: 9, intakeQueueMax: 9 })).to.deep.equal([]);
    expect(broken({ intakeBatchMax: 10, intakeQueueMax: 9 })).to.deep.equal([
      "intakeBatchMax (10) must not exceed intakeQueueMax (9)",
    ]);
  });

  it("sweepOverlapMs reaches over the minute to which Jira searches, and what its index is late", () => {
    expect(broken({ sweepOverlapMs: 90_000 })).to.deep.equal([]);
    expect(broken({ sweepOverlapMs: 89_999 })).to.deep.equal([
      "sweepOverlapMs (89999) must be at least 90000: Jira finds edits by the minute, and some of them late",
    ]);
  });

  it("signalRetentionMs keeps what sweeps saw until it is old enough to be missed", () => {
    const limits = { sweepOverlapMs: 90_000, sweepEveryMs: 10_000 };
    expect(broken({ ...limits, signalRetentionMs: 120_000 })).to.deep.equal([]);
    expect(broken({ ...limits, signalRetentionMs: 119_999 })).to.have.length(1);
  });

  it("are told about all at once", () => {
    const all = { leaseMs: 1, retryCapMs: 1, claimMax: 9_999, intakeBatchMax: 99_999 };
    expect(broken(all)).to.have.length(4);
  });
});
