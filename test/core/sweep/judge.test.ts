import { expect } from "chai";
import type { ChangedRecord } from "../../../core/ports.ts";
import type { Sighting, SweptChange } from "../../../core/store/store.ts";
import { type Judged, judge } from "../../../core/sweep/judge.ts";

const NOW_MS = Date.parse("2026-03-02T09:00:00Z");
const CHANGED_MS = NOW_MS - 30_000;
const RECORD: ChangedRecord = { type: "incident", id: "r1", key: "INC1", revision: "7", updatedAtMs: CHANGED_MS };
const NOTHING: Sighting = {
  remembered: undefined,
  state: "idle",
  before: undefined,
  webhookAtMs: undefined,
  nearOwnWrite: false,
};
const BEFORE: SweptChange = {
  ticket: "snow/incident/r1",
  revision: "7",
  updatedAtMs: CHANGED_MS,
  seenAtMs: NOW_MS - 60_000,
  foundBy: "sweep",
  webhookAtMs: null,
  signalAtMs: NOW_MS - 60_000,
  signals: 1,
  nearOwnWrite: false,
};

function judged(sighting: Partial<Sighting>): Judged {
  return judge("snow", RECORD, { ...NOTHING, ...sighting }, NOW_MS);
}

function signalled(sighting: Partial<Sighting>): boolean {
  return judged(sighting).deliveryId !== undefined;
}

describe("a record that a sweep is shown", () => {
  it("and that nobody knows is signalled, under a name that every worker gives it", () => {
    const { deliveryId, change } = judged({});
    expect(deliveryId).to.equal(`sweep:incident/r1@7/${CHANGED_MS}#1`);
    expect(change).to.deep.equal({
      ...{ ticket: "snow/incident/r1", revision: "7", updatedAtMs: CHANGED_MS, seenAtMs: NOW_MS },
      ...{ foundBy: "sweep", webhookAtMs: null, signalAtMs: NOW_MS, signals: 1, nearOwnWrite: false },
    });
  });

  it("is not signalled at the revision that was read last", () => {
    expect(signalled({ remembered: "7" })).to.equal(false);
    expect(judged({ remembered: "7" }).change).to.include({ foundBy: "known", signalAtMs: null });
  });

  it("is signalled at any other revision, higher or lower: a restored record counts from below", () => {
    expect(signalled({ remembered: "6" })).to.equal(true);
    expect(signalled({ remembered: "8" })).to.equal(true);
  });

  it("is not signalled while it waits to be read", () => {
    expect(signalled({ state: "waiting", remembered: "6" })).to.equal(false);
    expect(judged({ state: "waiting" }).change.foundBy).to.equal("sweep");
  });

  it("is signalled while it is in work, since it may have been read before; but once", () => {
    expect(signalled({ state: "in_work" })).to.equal(true);
    expect(signalled({ state: "in_work", before: BEFORE })).to.equal(false);
  });

  it("that waits for a person is taken up again by news, once", () => {
    expect(signalled({ state: "parked" })).to.equal(true);
    expect(signalled({ state: "parked", before: BEFORE })).to.equal(false);
  });

  it("that waits for a person is not taken up by what a webhook told, nor by our own write", () => {
    expect(signalled({ state: "parked", webhookAtMs: CHANGED_MS + 1_000 })).to.equal(false);
    expect(signalled({ state: "parked", nearOwnWrite: true })).to.equal(false);
  });

  it("that waits for a person is taken up by an edit that came after the webhook, however shortly", () => {
    expect(signalled({ state: "parked", webhookAtMs: CHANGED_MS - 1_000 })).to.equal(true);
    expect(signalled({ state: "parked", webhookAtMs: CHANGED_MS })).to.equal(false);
  });

  it("is signalled even where a webhook told of it, while no look at it has come of that", () => {
    const { deliveryId, change } = judged({ webhookAtMs: CHANGED_MS + 1_000, remembered: "6" });
    expect(deliveryId).to.be.a("string");
    expect(change).to.include({ foundBy: "webhook", signalAtMs: CHANGED_MS + 1_000 });
  });

  it("is signalled again when nothing came of it, under another name, and at most three times", () => {
    expect(judged({ before: BEFORE }).deliveryId).to.equal(`sweep:incident/r1@7/${CHANGED_MS}#2`);
    expect(signalled({ before: { ...BEFORE, signals: 3 } })).to.equal(false);
  });

  it("is not signalled again once it was read at a later revision", () => {
    expect(signalled({ before: BEFORE, remembered: "8" })).to.equal(false);
    expect(signalled({ before: BEFORE, remembered: "6" })).to.equal(true);
  });

  it("was told of by a webhook that came late, and its first signal stays the sweep's", () => {
    const { change } = judged({ before: BEFORE, webhookAtMs: NOW_MS - 1_000, remembered: "7" });
    expect(change).to.include({ foundBy: "webhook", signalAtMs: BEFORE.signalAtMs, seenAtMs: BEFORE.seenAtMs });
  });
});
