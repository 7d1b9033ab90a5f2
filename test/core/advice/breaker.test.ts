import { expect } from "chai";
import { Breaker } from "../../../core/advice/breaker.ts";
import { stoppedClock } from "../../contract/sqlite-rig.ts";

const SETTINGS = { failuresMax: 3, restMs: 60_000 };

describe("a breaker", () => {
  it("lets everybody through until so many failed in a row", () => {
    const breaker = new Breaker(stoppedClock(), SETTINGS);
    for (let failed = 0; failed < 2; failed += 1) breaker.failed();
    breaker.succeeded();
    for (let failed = 0; failed < 2; failed += 1) breaker.failed();
    expect([breaker.state, breaker.admit(), breaker.admit()]).to.deep.equal(["closed", true, true]);
    breaker.failed();
    expect([breaker.state, breaker.admit()]).to.deep.equal(["open", false]);
  });

  it("lets one through after its rest, and nobody else while that one is under way", () => {
    const clock = stoppedClock();
    const breaker = new Breaker(clock, SETTINGS);
    for (let failed = 0; failed < 3; failed += 1) breaker.failed();
    clock.advance(59_999);
    expect(breaker.admit()).to.equal(false);
    clock.advance(1);
    expect([breaker.state, breaker.admit(), breaker.admit()]).to.deep.equal(["half_open", true, false]);
  });

  it("closes when that one succeeds, rests again when it fails, and tries another when it tells nothing", () => {
    const clock = stoppedClock();
    const breaker = new Breaker(clock, SETTINGS);
    for (let failed = 0; failed < 3; failed += 1) breaker.failed();
    clock.advance(60_000);
    expect(breaker.admit()).to.equal(true);
    breaker.failed();
    expect(breaker.admit()).to.equal(false);
    clock.advance(60_000);
    expect(breaker.admit()).to.equal(true);
    breaker.gaveUp();
    expect(breaker.admit()).to.equal(true);
    breaker.succeeded();
    expect([breaker.state, breaker.admit(), breaker.admit()]).to.deep.equal(["closed", true, true]);
  });

  it("keeps the rest that a provider asks for, from its first failure on", () => {
    const clock = stoppedClock();
    const breaker = new Breaker(clock, SETTINGS);
    breaker.failed(10_000);
    expect(breaker.admit()).to.equal(false);
    clock.advance(10_000);
    expect(breaker.admit()).to.equal(true);
  });
});
