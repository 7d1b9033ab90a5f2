import { expect } from "chai";
import { calibrate } from "../../../core/advice/calibration/calibrate.ts";
import type { AdviceOutcome, Advised } from "../../../core/advice/remembered.ts";
import { isRefuted, type Restored, Trust } from "../../../core/advice/trust.ts";
import { outcomesOf, Watch } from "../../../core/advice/watch.ts";
import { claimed, decidedSettlement, kinds } from "../../contract/store-rig.ts";
import { ticketWith } from "../support/tickets.ts";
import { type Asking, openAsking } from "./asking.ts";
import { answers, PROVENANCE } from "./calibration/calibrations.ts";

const BY = "local:abc";
const WHICH = { by: BY, field: "category", label: "Network" } as const;
const ADVISED: Advised = { ...WHICH, automatic: true, audited: false, targetBp: 500 };
const CALIBRATION = calibrate(answers("Network", 500_000, { right: 500 }), { ...PROVENANCE, confidenceBp: 9_500 });
const DAY_MS = 86_400_000;

function outcome(correct: boolean, given: Partial<AdviceOutcome> = {}): AdviceOutcome {
  return { ...ADVISED, final: correct ? "Network" : "Printers", correct, ...given };
}

interface Watched extends Asking {
  trust: Trust;
  watch: Watch;
  /** Closes tickets with these outcomes, one after the other, as the loop does. */
  closed(...outcomes: AdviceOutcome[]): Promise<void>;
  bound(): number | null;
}

async function watching(test: (at: Watched) => Promise<void>, restored: () => Restored[] = () => []): Promise<void> {
  const asking = await openAsking();
  const { rig, clock, log, counted } = asking;
  const trust = new Trust(new Map([[BY, { category: CALIBRATION }]]), restored);
  const meter = { count: (name: string, labels: object) => counted.push([name, ...Object.values(labels)].join(" ")) };
  const watch = new Watch({ memory: rig.store, trust, clock, log, meter });
  try {
    await test({
      ...asking,
      ...{ trust, watch },
      async closed(...outcomes) {
        for (const each of outcomes) {
          const claim = await claimed(rig.store);
          await rig.store.settle(claim, decidedSettlement(claim.ticket, { outcomes: [each] }));
          await watch.look([each]);
        }
      },
      bound: () => trust.boundOf(BY, "category", { label: "Network", score: 500_000 }),
    });
  } finally {
    await asking.close();
  }
}

const many = (count: number, correct: boolean, given: Partial<AdviceOutcome> = {}) =>
  Array.from({ length: count }, () => outcome(correct, given));

describe("what a label turned out to be", () => {
  const ticket = ticketWith({ category: "network ", service: "Payroll", assignmentGroup: "" });

  it("is what people closed the ticket with, spaces and case aside", () => {
    const advised: Advised[] = [ADVISED, { ...ADVISED, field: "service", label: "VPN" }];
    expect(outcomesOf(advised, ticket)).to.deep.equal([
      { ...ADVISED, final: "network", correct: true },
      { ...ADVISED, field: "service", label: "VPN", final: "Payroll", correct: false },
    ]);
  });

  it("is nothing where the field is empty, or where no ticket has one", () => {
    const advised: Advised[] = [
      { ...ADVISED, field: "assignment_group", label: "Network Operations" },
      { ...ADVISED, field: "intent", label: "access wanted" },
    ];
    expect(outcomesOf(advised, ticket)).to.deep.equal([]);
  });

  it("is at most 400 characters of it, and no half of one", () => {
    const [found] = outcomesOf([ADVISED], ticketWith({ category: `${"x".repeat(399)}\u{1f6a6}` }));
    expect([found?.final.length, found?.final.isWellFormed(), found?.correct]).to.deep.equal([400, true, false]);
  });
});

describe("errors refute a bound of 5 %", () => {
  for (const [errors, tickets, refuted] of [
    [0, 0, false],
    [1, 1, false],
    [1, 2, false],
    [2, 20, false],
    [4, 20, true],
    [10, 200, false],
    [15, 200, false],
    [18, 200, true],
  ] as const)
    it(`${refuted ? "" : "not "}by ${errors} of ${tickets}`, () => {
      expect(isRefuted({ tickets, errors }, 500)).to.equal(refuted);
    });
});

describe("a watch over answers", () => {
  it("demotes nothing for a few errors", async () => {
    await watching(async ({ closed, bound, rig, counted }) => {
      await closed(...many(60, true), outcome(false), outcome(false), outcome(false), outcome(false));
      expect(bound()).to.be.a("number");
      expect(await rig.store.demotions()).to.deep.equal([]);
      expect(counted).to.include("interlock_advice_outcomes_total category true false");
    });
  });

  it("demotes a class once its bound is refuted: one entry on the ledger, one count, one line in the log", async () => {
    await watching(async ({ closed, bound, rig, counted, log }) => {
      await closed(...many(20, true), ...many(6, false));
      expect(bound()).to.equal(null);
      const [demotion, ...others] = await rig.store.demotions();
      expect(others).to.deep.equal([]);
      expect(demotion).to.deep.include({ ...WHICH, targetBp: 500 });
      expect(isRefuted(demotion ?? { tickets: 0, errors: 0 }, 500)).to.equal(true);
      expect((await kinds(rig.store)).filter((kind) => kind === "demotion")).to.have.length(1);
      expect(counted.filter((each) => each === "interlock_demotions_total category")).to.have.length(1);
      expect(log.lines.filter(({ level }) => level === "warn")).to.have.length(1);
    });
  });

  it("demotes the class of one model, and no other", async () => {
    await watching(async ({ closed, bound }) => {
      await closed(...many(6, false, { label: "Security" }), ...many(6, false, { by: "main:claude" }));
      expect(bound()).to.be.a("number");
    });
  });

  it("judges by what was relied on: below the bound, and without a target, errors say nothing", async () => {
    await watching(async ({ closed, rig }) => {
      await closed(...many(10, false, { automatic: false }), ...many(10, false, { targetBp: null }));
      expect(await rig.store.demotions()).to.deep.equal([]);
      await closed(...many(10, false, { automatic: false, audited: true }));
      expect(await rig.store.demotions()).to.have.length(1);
    });
  });

  it("knows after a restart, and in other processes, what was found out", async () => {
    await watching(async ({ closed, rig, log, clock }) => {
      await closed(...many(6, false));
      const trust = new Trust(new Map([[BY, { category: CALIBRATION }]]), () => []);
      const meter = { count: () => {} };
      await new Watch({ memory: rig.store, trust, clock, log, meter }).refresh();
      expect(trust.isDemoted(WHICH)).to.equal(true);
    });
  });

  it("trusts again by configuration alone: not by time, nor by right answers", async () => {
    const restored: Restored[] = [];
    await watching(
      async ({ closed, bound, watch, clock, rig }) => {
        await closed(...many(6, false), ...many(300, true));
        clock.advance(400 * DAY_MS);
        await watch.refresh();
        expect(bound()).to.equal(null);
        restored.push({ field: "category", label: "Printers", sinceMs: clock.now() });
        restored.push({ field: "category", label: "Network", sinceMs: rig.now() - DAY_MS });
        expect(bound(), "another class, and a day before it was found out").to.equal(null);
        restored.push({ field: "category", label: "Network", sinceMs: rig.now() });
        expect(bound()).to.be.a("number");
      },
      () => restored,
    );
  });

  it("starts anew for a class that is trusted again, and demotes it anew when it is refuted anew", async () => {
    const restored: Restored[] = [];
    await watching(
      async ({ closed, bound, rig, clock }) => {
        await closed(...many(10, false));
        restored.push({ field: "category", label: "Network", sinceMs: rig.now() + DAY_MS });
        rig.advance(2 * DAY_MS);
        clock.advance(2 * DAY_MS);
        await closed(...many(20, true), outcome(false));
        expect(bound(), "what was wrong before counts no more").to.be.a("number");
        await closed(...many(6, false));
        expect(bound()).to.equal(null);
        expect((await kinds(rig.store)).filter((kind) => kind === "demotion")).to.have.length(2);
      },
      () => restored,
    );
  });
});
