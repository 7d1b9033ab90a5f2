import { actionCases, receiptCases, receiptTextCases } from "./actions.contract.ts";
import { answerCases, sharedSpendCases, spendCases } from "./advice.contract.ts";
import { checkCases } from "./checks.contract.ts";
import { claimCases, leaseCases } from "./claim.contract.ts";
import { endOfClaimCases, restCases, retryCases } from "./claim-end.contract.ts";
import { droppingCases, treeCases } from "./evidence.contract.ts";
import { fenceCases } from "./fence.contract.ts";
import { acceptCases, copiesCases, dedupeCases, forgetCases, untargetedCases } from "./intake.contract.ts";
import { ledgerCases, ledgerTruthCases } from "./ledger.contract.ts";
import { memoryCases, upkeepCases, viewCases } from "./memory.contract.ts";
import { parkCases, parkInWorkCases, redriveCases } from "./park.contract.ts";
import { policyCases } from "./policies.contract.ts";
import { modeCases, revocationCases, revocationEndCases, sharedModeCases } from "./revocations.contract.ts";
import { sharedClaimCases, sharedIntakeCases, sharedLedgerCases } from "./shared.contract.ts";
import type { Rig, StoreRig } from "./store-rig.ts";
import { sweepCases } from "./sweeps.contract.ts";

export type { StoreRig } from "./store-rig.ts";

/** What every store promises, whatever database is under it. */
export function storeContract(name: string, open: () => Promise<StoreRig>): void {
  describe(`store contract: ${name}`, () => {
    const rig = rigPerTest(open);
    describe("dedupe", () => dedupeCases(rig));
    describe("copies", () => copiesCases(rig));
    describe("accept", () => acceptCases(rig));
    describe("deliveries without a ticket", () => untargetedCases(rig));
    describe("forgetSignals", () => forgetCases(rig));
    describe("claim", () => claimCases(rig));
    describe("lease", () => leaseCases(rig));
    describe("end of a claim", () => endOfClaimCases(rig));
    describe("rest", () => restCases(rig));
    describe("retry", () => retryCases(rig));
    describe("stale fences", () => fenceCases(rig));
    describe("park", () => parkCases(rig));
    describe("park a ticket in work", () => parkInWorkCases(rig));
    describe("redrive", () => redriveCases(rig));
    describe("actions", () => actionCases(rig));
    describe("receipts", () => receiptCases(rig));
    describe("receipts, each for itself", () => receiptTextCases(rig));
    describe("revocations", () => revocationCases(rig));
    describe("ends of revocations", () => revocationEndCases(rig));
    describe("modes", () => modeCases(rig));
    describe("memory", () => memoryCases(rig));
    describe("policies and inputs", () => policyCases(rig));
    describe("spending", () => spendCases(rig));
    describe("answers and outcomes", () => answerCases(rig));
    describe("checks", () => checkCases(rig));
    describe("view", () => viewCases(rig));
    describe("upkeep", () => upkeepCases(rig));
    describe("sweeps", () => sweepCases(rig));
    describe("ledger", () => ledgerCases(rig));
    describe("ledger and what it tells of", () => ledgerTruthCases(rig));
    describe("tree of the ledger", () => treeCases(rig));
    describe("bodies that are dropped", () => droppingCases(rig));
  });
}

/** What a store for several processes promises besides. Its rigs have a `second` handle. */
export function sharedStoreContract(name: string, open: () => Promise<StoreRig>): void {
  describe(`shared store contract: ${name}`, () => {
    const rig = rigPerTest(open);
    describe("claims", () => sharedClaimCases(rig));
    describe("intake", () => sharedIntakeCases(rig));
    describe("ledger", () => sharedLedgerCases(rig));
    describe("spending", () => sharedSpendCases(rig));
    describe("revocations and modes", () => sharedModeCases(rig));
  });
}

function rigPerTest(open: () => Promise<StoreRig>): Rig {
  let current: StoreRig | undefined;
  beforeEach(async () => {
    current = await open();
  });
  afterEach(async () => {
    await current?.close();
    current = undefined;
  });
  return () => {
    if (!current) throw new Error("the rig is not open");
    return current;
  };
}
