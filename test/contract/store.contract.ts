import { claimCases, endOfClaimCases, retryCases } from "./claim.contract.ts";
import { fenceCases } from "./fence.contract.ts";
import { acceptCases, dedupeCases, forgetCases, untargetedCases } from "./intake.contract.ts";
import { ledgerCases } from "./ledger.contract.ts";
import { actionCases, memoryCases, upkeepCases, viewCases } from "./memory.contract.ts";
import { parkCases, redriveCases } from "./park.contract.ts";
import { sharedCases, sharedLedgerCases } from "./shared.contract.ts";
import type { StoreRig } from "./store-rig.ts";

export type { StoreRig } from "./store-rig.ts";

/** What every store promises, whatever database is under it. */
export function storeContract(name: string, open: () => Promise<StoreRig>): void {
  describe(`store contract: ${name}`, () => {
    let current: StoreRig | undefined;
    const rig = (): StoreRig => {
      if (!current) throw new Error("the rig is not open");
      return current;
    };
    beforeEach(async () => {
      current = await open();
    });
    afterEach(async () => {
      await current?.close();
      current = undefined;
    });

    describe("dedupe", () => dedupeCases(rig));
    describe("accept", () => acceptCases(rig));
    describe("deliveries without a ticket", () => untargetedCases(rig));
    describe("forgetSignals", () => forgetCases(rig));
    describe("claim", () => claimCases(rig));
    describe("end of a claim", () => endOfClaimCases(rig));
    describe("retry", () => retryCases(rig));
    describe("stale fences", () => fenceCases(rig));
    describe("park", () => parkCases(rig));
    describe("redrive", () => redriveCases(rig));
    describe("actions", () => actionCases(rig));
    describe("memory", () => memoryCases(rig));
    describe("view", () => viewCases(rig));
    describe("upkeep", () => upkeepCases(rig));
    describe("ledger", () => ledgerCases(rig));
    describe("two handles", () => sharedCases(rig));
    describe("two handles, one ledger", () => sharedLedgerCases(rig));
  });
}
