import { sql } from "kysely";
import { instant } from "../clock.ts";
import { commitmentTo } from "../ledger/chain.ts";
import { DROPPABLE_KINDS, type Draft, type EntryKind } from "../ledger/entry.ts";
import type { Dropped, Dropping } from "../ledger/evidence.ts";
import type { StoreDriver } from "./driver.ts";
import { appendEntries, guarded, inTransaction, ledgerText, type Trx } from "./transaction.ts";

/** Bodies that are dropped in one commit; also the most that an entry can name one by one. */
const AT_ONCE = 500;

type DropBody = Extract<Draft, { kind: "dropped" }>["body"];

interface Row {
  seq: number;
  body: string;
  salt: string | null;
}

/** See `Store.drop`. */
export function dropBodies(driver: StoreDriver, what: Dropping): Promise<Dropped> {
  return "person" in what ? erase(driver, what) : prune(driver, what);
}

async function prune(driver: StoreDriver, { beforeMs, kinds, by, dryRun }: Extract<Dropping, { beforeMs: number }>) {
  const wanted = kinds.length > 0 ? kinds : DROPPABLE_KINDS;
  const upTo = await lastBefore(driver, beforeMs);
  const { salted, plain } = await countUpTo(driver, upTo, wanted);
  const result: Dropped = { bodies: salted, unsalted: plain, upTo };
  if (dryRun || salted === 0) return result;
  const body: DropBody = { why: "retention", by: ledgerText(by), upTo, kinds: [...wanted], seqs: [], count: salted };
  let after = 0;
  for (let first = true; ; first = false) {
    const rows = await pageOf(driver, { after, upTo, kinds: wanted });
    // What is dropped must be said no later than it is dropped: the first commit says it for all.
    await inTransaction(driver, async (trx) => {
      if (first) await appendEntries(driver, trx, [{ kind: "dropped", ticket: null, body }]);
      await dropRows(driver, trx, rows);
    });
    const last = rows.at(-1);
    if (!last || rows.length < AT_ONCE) return result;
    after = last.seq;
  }
}

async function erase(driver: StoreDriver, { person, by, dryRun }: Extract<Dropping, { person: string }>) {
  const result: Dropped = { bodies: 0, unsalted: 0, upTo: 0 };
  for (let after = 0; ; ) {
    const rows = await pageOf(driver, { after, kinds: DROPPABLE_KINDS, holding: person });
    const named = rows.filter(({ body }) => namesPerson(body, person));
    const salted = named.filter(({ salt }) => salt !== null);
    result.bodies += salted.length;
    result.unsalted += named.length - salted.length;
    const seqs = salted.map(({ seq }) => seq);
    result.upTo = seqs.at(-1) ?? result.upTo;
    if (!dryRun && seqs.length > 0) {
      const body: DropBody = { why: "erasure", by: ledgerText(by), upTo: 0, kinds: [], seqs, count: seqs.length };
      await inTransaction(driver, async (trx) => {
        await appendEntries(driver, trx, [{ kind: "dropped", ticket: null, body }]);
        await dropRows(driver, trx, salted);
      });
    }
    const last = rows.at(-1);
    if (!last || rows.length < AT_ONCE) return result;
    after = last.seq;
  }
}

/** The last entry before everything that was written at or after an hour; 0 where there is none. */
async function lastBefore(driver: StoreDriver, beforeMs: number): Promise<number> {
  const at = instant(beforeMs);
  const query = driver.db
    .selectFrom("ledger")
    .select((select) => [select.fn.min("seq").filterWhere("at", ">=", at).as("next"), select.fn.max("seq").as("end")]);
  const found = await guarded(driver, () => query.executeTakeFirst());
  return found?.next ? Number(found.next) - 1 : Number(found?.end ?? 0);
}

async function countUpTo(driver: StoreDriver, upTo: number, kinds: readonly EntryKind[]) {
  const query = driver.db
    .selectFrom("ledger")
    .select((select) => [select.fn.countAll<number>().as("all"), select.fn.count<number>("salt").as("salted")])
    .where("seq", "<=", upTo)
    .where("kind", "in", kinds)
    .where("body", "!=", "");
  const found = await guarded(driver, () => query.executeTakeFirst());
  const salted = Number(found?.salted ?? 0);
  return { salted, plain: Number(found?.all ?? 0) - salted };
}

async function pageOf(
  driver: StoreDriver,
  which: { after: number; upTo?: number; kinds: readonly EntryKind[]; holding?: string },
): Promise<Row[]> {
  let query = driver.db
    .selectFrom("ledger")
    .select(["seq", "body", "salt"])
    .where("seq", ">", which.after)
    .where("kind", "in", which.kinds)
    .where("body", "!=", "")
    .orderBy("seq")
    .limit(AT_ONCE);
  if (which.upTo !== undefined) query = query.where("seq", "<=", which.upTo).where("salt", "is not", null);
  if (which.holding !== undefined) {
    const inJson = JSON.stringify(which.holding).slice(1, -1);
    query = query.where("body", "like", sql<string>`${`%${inJson.replaceAll(/[\\%_]/g, "\\$&")}%`} escape '\\'`);
  }
  return guarded(driver, () => query.execute());
}

/** Whether any text in a body is a person's id, or holds it as a word. */
function namesPerson(body: string, person: string): boolean {
  const word = (text: string): boolean => {
    for (let at = text.indexOf(person); at >= 0; at = text.indexOf(person, at + 1)) {
      const around = `${text[at - 1] ?? " "}${text[at + person.length] ?? " "}`;
      if (!/[\p{L}\p{N}]/u.test(around)) return true;
    }
    return false;
  };
  const inside = (value: unknown): boolean => {
    if (typeof value === "string") return word(value);
    if (value === null || typeof value !== "object") return false;
    return Object.entries(value).some(([key, inner]) => word(key) || inside(inner));
  };
  return inside(JSON.parse(body));
}

async function dropRows(driver: StoreDriver, trx: Trx, rows: readonly Row[]): Promise<void> {
  const records = rows.flatMap(({ seq, body, salt }) =>
    salt === null ? [] : [{ seq, commitment: commitmentTo(salt, body) }],
  );
  await driver.writeRows(trx, { seq: "bigint", commitment: "text" }, records, (table) =>
    trx
      .updateTable("ledger")
      .from(table.as("gone"))
      .set({ body: "", salt: null, commitment: sql<string>`gone.commitment` })
      .whereRef("ledger.seq", "=", sql.ref("gone.seq")),
  );
}
