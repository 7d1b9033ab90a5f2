import { readFileSync } from "node:fs";
import { expect } from "chai";
import { approvalViews } from "../../docs/approval-views.ts";

describe("what an approver sees, as docs/approvals.md shows it", function (this: Mocha.Suite) {
  // Two servers, each with both simulators.
  this.timeout(60_000);
  let views: Record<string, string>;

  before(async () => {
    views = await approvalViews();
  });

  it("is what the product writes today; node docs/approval-views.ts writes it anew", () => {
    expect(Object.keys(views)).to.have.lengthOf(2);
    for (const [name, svg] of Object.entries(views)) expect(readFileSync(`docs/${name}`, "utf8"), name).to.equal(svg);
  });

  it("is shown by the page, small, and with nothing that could run", () => {
    const page = readFileSync("docs/approvals.md", "utf8");
    for (const [name, svg] of Object.entries(views)) {
      expect(page).to.include(`](${name})`);
      expect(svg.length).to.be.below(10_000);
      expect(svg).to.match(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" [\s\S]*<\/svg>\n$/);
      expect(svg).to.include("prefers-color-scheme:dark").and.not.to.include("<script");
    }
  });

  it("says why it is asked, what makes it risky, what AI had to do with it, what follows, and until when", () => {
    const texts = Object.values(views).join();
    for (const part of ["Why: ", "Risk: ", "Decided by rules", "If you approve: ", "If you reject: ", "Until 2026-03-"])
      expect(texts).to.include(part);
  });
});
