import { expect } from "chai";
import { ConnectorError, describeError, FAULT_KINDS, FAULT_RETRY, StoreUnavailableError } from "../../core/errors.ts";

function fault(kind: (typeof FAULT_KINDS)[number]): ConnectorError {
  return new ConnectorError({ kind, connection: "snow", message: "It went wrong. Do this." });
}

describe("whose turn it is after a fault", () => {
  it("auth: a person's, since a refused login does not mend itself", () => {
    expect(FAULT_RETRY[fault("auth").kind]).to.equal("park");
  });

  it("rejected: a person's, since the same call will be refused again", () => {
    expect(FAULT_RETRY[fault("rejected").kind]).to.equal("park");
  });

  it("not_found: a person's, since the record is gone or hidden", () => {
    expect(FAULT_RETRY[fault("not_found").kind]).to.equal("park");
  });

  it("conflict: ours, counted against the ticket", () => {
    expect(FAULT_RETRY[fault("conflict").kind]).to.equal("attempt");
  });

  it("rate_limited: ours, and no fault of the ticket", () => {
    expect(FAULT_RETRY[fault("rate_limited").kind]).to.equal("outage");
  });

  it("unavailable: ours, and no fault of the ticket", () => {
    expect(FAULT_RETRY[fault("unavailable").kind]).to.equal("outage");
  });

  it("protocol: ours, counted against the ticket, since it may be this record's answer that cannot be read", () => {
    expect(FAULT_RETRY[fault("protocol").kind]).to.equal("attempt");
  });

  it("is known for every kind, and for nothing else", () => {
    expect(Object.keys(FAULT_RETRY).sort()).to.deep.equal([...FAULT_KINDS].sort());
  });
});

describe("an error of a connector", () => {
  it("says that nothing was applied unless it is told otherwise", () => {
    const { outcome, applied, status, retryAfterMs, connection, message, name } = fault("conflict");
    expect({ outcome, applied, status, retryAfterMs, connection, message, name }).to.deep.equal({
      outcome: "not_applied",
      applied: [],
      status: undefined,
      retryAfterMs: undefined,
      connection: "snow",
      message: "It went wrong. Do this.",
      name: "ConnectorError",
    });
  });

  it("keeps what it is told", () => {
    const cause = new Error("socket hang up");
    const details = { status: 503, retryAfterMs: 7_000, outcome: "unknown", applied: ["a1"] } as const;
    const error = new ConnectorError({ kind: "unavailable", connection: "jira", message: "x", cause, ...details });
    expect(error).to.include({ status: 503, retryAfterMs: 7_000, outcome: "unknown" });
    expect(error.applied).to.deep.equal(["a1"]);
    expect(error.cause).to.equal(cause);
    expect("cause" in fault("auth"), "no cause where there is none").to.equal(false);
  });
});

describe("describeError", () => {
  it("gives name and message", () => {
    expect(describeError(new StoreUnavailableError("disk full"))).to.equal("StoreUnavailableError: disk full");
    expect(describeError("just a text")).to.equal("just a text");
    expect(describeError(undefined)).to.equal("undefined");
  });

  it("is 300 characters at the most", () => {
    expect(describeError(new Error("x".repeat(293)))).to.equal(`Error: ${"x".repeat(293)}`);
    expect(describeError(new Error("x".repeat(294)))).to.equal(`Error: ${"x".repeat(290)}...`);
  });
});
