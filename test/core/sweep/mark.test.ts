import { expect } from "chai";
import { Limits } from "../../../core/limits.ts";
import type { ChangedPage } from "../../../core/ports.ts";
import { advanced, firstMark, type Mark, sinceOf } from "../../../core/sweep/mark.ts";

const NOW_MS = Date.parse("2026-03-02T09:00:00Z");
const limits = Limits.parse({});
const OVERLAP = limits.sweepOverlapMs;
const at = (atMs: number, given: Partial<Mark> = {}): Mark => ({
  atMs,
  reachedAtMs: NOW_MS - 10 * OVERLAP,
  closed: false,
  ...given,
});

function page(updatedAtMs: readonly number[], next?: string): ChangedPage {
  const records = updatedAtMs.map((ms, index) => ({
    ...{ type: "incident", id: `r${index}`, key: `INC${index}`, revision: "1", updatedAtMs: ms },
  }));
  return { records, next };
}

function moved(mark: Mark, given: ChangedPage, whole = true): Mark {
  return advanced(mark, given, { sinceMs: sinceOf(mark, limits), beganAtMs: NOW_MS, whole }, NOW_MS, limits);
}

describe("the mark of a sweep", () => {
  it("begins an hour ago", () => {
    expect(sinceOf(firstMark(NOW_MS, limits), limits)).to.equal(NOW_MS - 3_600_000 + 1);
  });

  it("moves to the newest change that was seen, and the next sweep looks the overlap behind it", () => {
    const mark = moved(at(NOW_MS - 60_000), page([NOW_MS - 50_000, NOW_MS - 20_000, NOW_MS - 30_000]));
    expect(mark).to.deep.equal({ atMs: NOW_MS - 20_000, reachedAtMs: NOW_MS, closed: false });
    expect(sinceOf(mark, limits)).to.equal(NOW_MS - 20_000 - OVERLAP);
  });

  it("never moves into the future, whatever hour the vendor's clock shows", () => {
    expect(moved(at(NOW_MS - 60_000), page([NOW_MS + 3_600_000])).atMs).to.equal(NOW_MS);
  });

  it("never moves back", () => {
    expect(moved(at(NOW_MS - 60_000), page([NOW_MS - 90_000])).atMs).to.equal(NOW_MS - 60_000);
    expect(moved(at(NOW_MS - 60_000), page([])).atMs).to.equal(NOW_MS - 60_000);
  });

  it("is closed once it was swept again after the overlap, so that a quiet system is not read over and over", () => {
    const mark = moved(at(NOW_MS - 60_000, { reachedAtMs: NOW_MS - OVERLAP }), page([NOW_MS - 60_000]));
    expect(mark.closed).to.equal(true);
    expect(sinceOf(mark, limits)).to.equal(NOW_MS - 60_000 + 1);
    expect(moved(mark, page([])).closed).to.equal(true);
    expect(moved(mark, page([NOW_MS - 1_000])).closed).to.equal(false);
  });

  it("is not closed before the overlap is over, nor by a sweep that began before", () => {
    const early = at(NOW_MS - 60_000, { reachedAtMs: NOW_MS - OVERLAP + 1 });
    expect(moved(early, page([NOW_MS - 60_000])).closed).to.equal(false);
  });

  it("is not closed by a sweep that did not look at everything", () => {
    const mark = at(NOW_MS - 60_000, { reachedAtMs: NOW_MS - OVERLAP });
    expect(moved(mark, page([NOW_MS - 60_000]), false).closed).to.equal(false);
  });

  it("keeps the place of a sweep that was cut short, and where it had begun", () => {
    const start = at(NOW_MS - 60_000);
    const mark = moved(start, page([NOW_MS - 50_000], "page 2"));
    expect(mark.resume).to.deep.equal({ sinceMs: NOW_MS - 60_000 - OVERLAP, after: "page 2" });
    expect(sinceOf(mark, limits)).to.equal(NOW_MS - 60_000 - OVERLAP);
    expect(moved(mark, page([NOW_MS - 40_000]), false)).to.not.have.property("resume");
  });
});
