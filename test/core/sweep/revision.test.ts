import { expect } from "chai";
import { revisionReached } from "../../../core/sweep/revision.ts";

describe("a revision that was read", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["7", "7", true],
    ["10", "9", true],
    ["9", "10", false],
    ["2026-03-02T09:00:00.100+0000", "2026-03-02T09:00:00.099+0000", true],
    ["2026-03-02T09:00:00.000+0000", "2026-03-02T10:00:00.000+0100", true],
    ["2026-03-02T09:00:00.099+0000", "2026-03-02T09:00:00.100+0000", false],
    ["", "7", false],
    ["abc", "abd", false],
    ["7", "2026-03-02T09:00:00.000+0000", false],
  ];
  for (const [read, wanted, reached] of cases)
    it(`${read} ${reached ? "is at or beyond" : "is not at"} ${wanted}`, () => {
      expect(revisionReached(read, wanted)).to.equal(reached);
    });
});
