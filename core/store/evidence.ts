import { type Checkpoint, originOf, type TreeHead } from "../ledger/checkpoint.ts";
import type { Entry, Head } from "../ledger/entry.ts";
import type { LedgerProof } from "../ledger/evidence.ts";
import { consistencyParts, entryLeaf, type Hash, inclusionParts, rootOver } from "../ledger/merkle.ts";
import { TILE, TILE_BITS, Tiles } from "../ledger/tiles.ts";
import type { StoreDriver } from "./driver.ts";
import { guarded, inTransaction, type Trx } from "./transaction.ts";

/** Nodes that are made in one commit: others write in between, also while the tree of a long ledger is made. */
const NODES_AT_ONCE = 64;

type Reader = Trx | StoreDriver["db"];

/** See `Store.treeHead`. */
export async function treeHead(driver: StoreDriver): Promise<TreeHead | undefined> {
  const end = await ledgerEnd(driver);
  if (!end) return undefined;
  await keepNodes(driver, end.seq);
  return guarded(driver, () => headAt(driver.db, end.seq));
}

/** See `Store.ledgerEnd`. */
export function ledgerEnd(driver: StoreDriver): Promise<Head | undefined> {
  const query = driver.db.selectFrom("ledger").select(["seq", "hash"]).orderBy("seq", "desc").limit(1);
  return guarded(driver, () => query.executeTakeFirst());
}

async function headAt(db: Reader, size: number): Promise<TreeHead> {
  const first = await db.selectFrom("ledger").select("hash").where("seq", "=", 1).executeTakeFirst();
  if (!first) throw new Error("the ledger has no first entry; run interlock ledger verify");
  const root = await tilesOf(db).root({ begin: 0, end: size });
  return { origin: originOf(first.hash), size, root: root.toString("hex") };
}

/** Makes the nodes of complete parts up to `size` leaves, level by level. */
async function keepNodes(driver: StoreDriver, size: number): Promise<void> {
  for (let level = TILE_BITS; 2 ** level <= size; level += TILE_BITS) {
    const whole = Math.floor(size / 2 ** level);
    for (let at = await nodesKept(driver, level); at < whole; at += NODES_AT_ONCE) {
      const until = Math.min(whole, at + NODES_AT_ONCE);
      await inTransaction(driver, async (trx) => {
        const below = await readNodes(trx, level - TILE_BITS, at * TILE, until * TILE);
        if (below.length !== (until - at) * TILE)
          throw new Error(`entries are missing below ${until * 2 ** level}; run interlock ledger verify`);
        const rows = Array.from({ length: until - at }, (_, n) => ({
          level,
          idx: at + n,
          hash: rootOver(below.slice(n * TILE, (n + 1) * TILE)).toString("hex"),
        }));
        // Another process may have made the same ones.
        const insert = trx.insertInto("ledger_nodes").values(rows);
        await insert.onConflict((conflict) => conflict.columns(["level", "idx"]).doNothing()).execute();
      });
    }
  }
}

async function nodesKept(driver: StoreDriver, level: number): Promise<number> {
  const query = driver.db
    .selectFrom("ledger_nodes")
    .select((select) => select.fn.max("idx").as("last"))
    .where("level", "=", level);
  const last = (await guarded(driver, () => query.executeTakeFirst()))?.last;
  return last === null || last === undefined ? 0 : Number(last) + 1;
}

async function readNodes(db: Reader, level: number, from: number, to: number): Promise<Hash[]> {
  if (level === 0) {
    const rows = await db
      .selectFrom("ledger")
      .select(["seq", "hash"])
      .where("seq", ">", from)
      .where("seq", "<=", to)
      .orderBy("seq")
      .execute();
    // Behind a gap no leaf is where its number says.
    const whole = rows.findIndex(({ seq }, at) => Number(seq) !== from + at + 1);
    return (whole < 0 ? rows : rows.slice(0, whole)).map(({ hash }) => entryLeaf(hash));
  }
  const rows = await db
    .selectFrom("ledger_nodes")
    .select("hash")
    .where("level", "=", level)
    .where("idx", ">=", from)
    .where("idx", "<", to)
    .orderBy("idx")
    .execute();
  return rows.map(({ hash }) => Buffer.from(hash, "hex"));
}

function tilesOf(db: Reader): Tiles {
  return new Tiles((level, from, to) => readNodes(db, level, from, to));
}

/** See `Store.prove`. */
export async function proveEntries(driver: StoreDriver, seqs: readonly number[], size: number): Promise<LedgerProof[]> {
  return guarded(driver, async () => {
    const tiles = tilesOf(driver.db);
    const proofs: LedgerProof[] = [];
    for (const seq of seqs) {
      const path: string[] = [];
      for (const part of inclusionParts(seq - 1, size)) path.push((await tiles.root(part)).toString("hex"));
      proofs.push({ seq, path });
    }
    return proofs;
  });
}

/** See `Store.proveGrowth`. */
export async function proveGrowth(driver: StoreDriver, from: number, size: number): Promise<string[]> {
  return guarded(driver, async () => {
    const tiles = tilesOf(driver.db);
    const path: string[] = [];
    for (const part of consistencyParts(from, size)) path.push((await tiles.root(part)).toString("hex"));
    return path;
  });
}

/** See `Store.treeRoot`. */
export async function treeRoot(driver: StoreDriver, size: number): Promise<string> {
  return guarded(driver, async () => (await tilesOf(driver.db).root({ begin: 0, end: size })).toString("hex"));
}

/** See `Store.keepCheckpoint`. */
export async function keepCheckpoint(driver: StoreDriver, { keyId, ...rest }: Checkpoint): Promise<void> {
  await inTransaction(driver, async (trx) => {
    const insert = trx.insertInto("checkpoints").values({ ...rest, key_id: keyId });
    await insert.onConflict((conflict) => conflict.column("size").doNothing()).execute();
  });
}

/** See `Store.checkpoints`. */
export async function readCheckpoints(driver: StoreDriver, afterSize: number, limit: number): Promise<Checkpoint[]> {
  const query = driver.db
    .selectFrom("checkpoints")
    .selectAll()
    .where("size", ">", afterSize)
    .orderBy("size")
    .limit(limit);
  return (await guarded(driver, () => query.execute())).map(({ key_id, ...row }) => ({ ...row, keyId: key_id }));
}

/** See `Store.lastCheckpoint`. */
export async function lastCheckpoint(driver: StoreDriver): Promise<Checkpoint | undefined> {
  const query = driver.db.selectFrom("checkpoints").selectAll().orderBy("size", "desc").limit(1);
  const row = await guarded(driver, () => query.executeTakeFirst());
  if (!row) return undefined;
  const { key_id, ...rest } = row;
  return { ...rest, keyId: key_id };
}

/** See `Store.entriesAbout`. */
export async function entriesAbout(
  driver: StoreDriver,
  about: { ticket: string } | { kind: string },
  afterSeq: number,
  limit: number,
): Promise<Entry[]> {
  const all = driver.db.selectFrom("ledger").selectAll().where("seq", ">", afterSeq).orderBy("seq").limit(limit);
  const some = "ticket" in about ? all.where("ticket", "=", about.ticket) : all.where("kind", "=", about.kind);
  return guarded(driver, () => some.execute());
}
