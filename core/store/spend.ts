import { sql } from "kysely";
import type { SpendLine } from "../advice/budget.ts";
import type { Reservation, Spent, SpentCall } from "../advice/remembered.ts";
import type { StoreDriver } from "./driver.ts";
import { appendEntries, guarded, inTransaction, type Trx } from "./transaction.ts";

/** Thrown to take back the lines that were booked before one was full. */
class Full extends Error {
  readonly line: SpendLine;

  constructor(line: SpendLine) {
    super("the account is full");
    this.line = line;
  }
}

/** See `AdviceMemory.reserve`. The lines stand in the same order for everybody, so two bookings never wait for each other. */
export async function reserveSpend(
  driver: StoreDriver,
  lines: readonly SpendLine[],
  micros: number,
): Promise<Reservation> {
  try {
    await inTransaction(driver, async (trx) => {
      const nowMs = await driver.nowMs(trx);
      for (const line of lines) if (!(await book(trx, line, micros, nowMs))) throw new Full(line);
    });
    return { reserved: true };
  } catch (error) {
    if (!(error instanceof Full)) throw error;
    const { scope, span } = error.line;
    return { reserved: false, scope, span };
  }
}

/** Adds to one line unless that would pass its cap: one statement, so that nobody else can come between. */
async function book(trx: Trx, { scope, span, capMicros }: SpendLine, micros: number, nowMs: number): Promise<boolean> {
  if (capMicros !== null && micros > capMicros) return false;
  const booked = await trx
    .insertInto("spend")
    .values({ scope, span, micros, calls: 0, booked_at: nowMs })
    .onConflict((conflict) => {
      const added = conflict
        .columns(["scope", "span"])
        .doUpdateSet({ micros: sql`spend.micros + ${micros}`, booked_at: nowMs });
      return capMicros === null ? added : added.where(sql<boolean>`spend.micros + ${micros} <= ${capMicros}`);
    })
    .returning("scope")
    .executeTakeFirst();
  return booked !== undefined;
}

/** See `AdviceMemory.settleSpend`. */
export async function settleSpend(
  driver: StoreDriver,
  lines: readonly SpendLine[],
  { reservedMicros, spentMicros, entry }: SpentCall,
): Promise<void> {
  await inTransaction(driver, async (trx) => {
    for (const { scope, span } of lines)
      await trx
        .updateTable("spend")
        .set({ micros: sql`micros + ${spentMicros - reservedMicros}`, calls: sql`calls + 1` })
        .where("scope", "=", scope)
        .where("span", "=", span)
        .execute();
    if (entry) await appendEntries(driver, trx, [entry]);
  });
}

/** See `AdviceMemory.spent`. */
export async function spentIn(driver: StoreDriver, spans: readonly string[]): Promise<Spent[]> {
  if (spans.length === 0) return [];
  const query = driver.db.selectFrom("spend").selectAll().where("span", "in", spans).orderBy("scope").orderBy("span");
  const rows = await guarded(driver, () => query.execute());
  return rows.map(({ scope, span, micros, calls }) => ({ scope, span, micros: Number(micros), calls: Number(calls) }));
}
