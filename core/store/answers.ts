import { AdvisedClass, Demotion, type MeasuredOutcome, StoredAnswer } from "../advice/remembered.ts";
import type { StoreDriver } from "./driver.ts";
import { appendEntries, guarded, inTransaction } from "./transaction.ts";

/** See `AdviceMemory.answer`. */
export async function answerTo(driver: StoreDriver, digest: string): Promise<StoredAnswer | undefined> {
  const query = driver.db.selectFrom("answers").selectAll().where("digest", "=", digest);
  const row = await guarded(driver, () => query.executeTakeFirst());
  return (
    row &&
    StoredAnswer.parse({
      ...{ digest, step: row.step, provider: row.provider, model: row.model, promptVersion: row.prompt_version },
      ...{ outcome: JSON.parse(row.outcome), costMicros: Number(row.cost_micros) },
    })
  );
}

/** See `AdviceMemory.keepAnswer`. */
export async function keepAnswer(driver: StoreDriver, answer: StoredAnswer): Promise<StoredAnswer> {
  const { digest, step, provider, model, promptVersion, outcome, costMicros } = answer;
  await inTransaction(driver, async (trx) => {
    await trx
      .insertInto("answers")
      .values({
        ...{ digest, step, provider, model, prompt_version: promptVersion, cost_micros: costMicros },
        outcome: JSON.stringify(outcome),
        answered_at: await driver.nowMs(trx),
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  });
  return (await answerTo(driver, digest)) ?? answer;
}

/** See `AdviceMemory.tally`. */
export async function tallyOf(
  driver: StoreDriver,
  { by, field, label }: AdvisedClass,
  { limit, sinceMs = 0 }: { limit: number; sinceMs?: number | undefined },
): Promise<{ tickets: number; errors: number }> {
  const query = driver.db
    .selectFrom("outcomes")
    .select("correct")
    .where("by", "=", by)
    .where("field", "=", field)
    .where("label", "=", label)
    .where("at", ">=", sinceMs)
    .where((where) => where.or([where("automatic", "=", 1), where("audited", "=", 1)]))
    .orderBy("id", "desc")
    .limit(limit);
  const rows = await guarded(driver, () => query.execute());
  return { tickets: rows.length, errors: rows.filter(({ correct }) => correct === 0).length };
}

/** See `AdviceMemory.outcomesOf`. */
export async function outcomesOf(driver: StoreDriver, provider: string, limit: number): Promise<MeasuredOutcome[]> {
  const query = driver.db
    .selectFrom("outcomes")
    .select(["by", "field", "label", "correct"])
    // A name holds no letter that LIKE reads as more than itself.
    .where("by", "like", `${provider}:%`)
    .orderBy("id", "desc")
    .limit(limit);
  const rows = await guarded(driver, () => query.execute());
  return rows.map(({ by, field, label, correct }) => ({
    ...AdvisedClass.parse({ by, field, label }),
    correct: correct === 1,
  }));
}

/** See `AdviceMemory.demote`. */
export async function demoteClass(driver: StoreDriver, demotion: Demotion): Promise<boolean> {
  const { by, field, label, since, tickets, errors, targetBp } = demotion;
  return inTransaction(driver, async (trx) => {
    const made = await trx
      .insertInto("demotions")
      .values({ by, field, label, since, tickets, errors, target_bp: targetBp })
      // A class that was trusted again and is refuted anew is demoted anew.
      .onConflict((conflict) =>
        conflict
          .columns(["by", "field", "label"])
          .doUpdateSet({ since, tickets, errors, target_bp: targetBp })
          .where("demotions.since", "<", since),
      )
      .returning("by")
      .executeTakeFirst();
    if (made) await appendEntries(driver, trx, [{ kind: "demotion", ticket: null, body: demotion }]);
    return made !== undefined;
  });
}

/** See `AdviceMemory.demotions`. */
export async function demotedClasses(driver: StoreDriver): Promise<Demotion[]> {
  const query = driver.db.selectFrom("demotions").selectAll().orderBy("since");
  const rows = await guarded(driver, () => query.execute());
  return rows.map(({ target_bp, ...row }) => Demotion.parse({ ...row, targetBp: target_bp }));
}

/** See `AdviceMemory.forgetAdvice`. Outcomes stay: they are the evidence of how far a model is relied on. */
export async function forgetAdvice(driver: StoreDriver, beforeMs: number, limit: number): Promise<number> {
  return inTransaction(driver, async (trx) => {
    const answers = trx.selectFrom("answers").select("digest").where("answered_at", "<", beforeMs).limit(limit);
    const gone = await trx.deleteFrom("answers").where("digest", "in", answers).executeTakeFirst();
    const spans = trx.selectFrom("spend").select("id").where("booked_at", "<", beforeMs).limit(limit);
    const spent = await trx.deleteFrom("spend").where("id", "in", spans).executeTakeFirst();
    return Number(gone.numDeletedRows) + Number(spent.numDeletedRows);
  });
}
