import { z } from "zod";
import { Inputs } from "../policy/inputs.ts";
import { KeptPolicy, TracedRule } from "../policy/policy.ts";
import type { StoreDriver } from "./driver.ts";
import type { KeptDecision } from "./store.ts";
import { guarded, inTransaction } from "./transaction.ts";

/** See `Store.keepPolicy`. A version is the digest of its files, so one that is there already is the same. */
export async function keepPolicy(driver: StoreDriver, { version, rules, ...sources }: KeptPolicy): Promise<void> {
  await inTransaction(driver, async (trx) => {
    await trx
      .insertInto("policies")
      .values({
        version,
        rules: JSON.stringify(rules),
        sources: JSON.stringify(sources),
        since: await driver.nowMs(trx),
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  });
}

/** See `Store.policy`. */
export async function policyAt(driver: StoreDriver, version: string): Promise<KeptPolicy | undefined> {
  const query = driver.db.selectFrom("policies").selectAll().where("version", "=", version);
  const row = await guarded(driver, () => query.executeTakeFirst());
  if (!row) return undefined;
  return KeptPolicy.parse({ version, rules: JSON.parse(row.rules), ...(JSON.parse(row.sources) as object) }); // parsed here
}

/** The rules of a version, for a trace; undefined where the version was never kept. */
export async function rulesAt(driver: StoreDriver, version: string): Promise<TracedRule[] | undefined> {
  const row = await driver.db.selectFrom("policies").select("rules").where("version", "=", version).executeTakeFirst();
  return row && z.array(TracedRule).parse(JSON.parse(row.rules));
}

/** See `Store.decided`. */
export async function decidedFrom(driver: StoreDriver, decisionId: string): Promise<KeptDecision | undefined> {
  const query = driver.db.selectFrom("inputs").selectAll().where("decision_id", "=", decisionId);
  const row = await guarded(driver, () => query.executeTakeFirst());
  return row && { ticket: row.ticket, inputs: Inputs.parse(JSON.parse(row.inputs)), decidedAtMs: row.decided_at };
}
