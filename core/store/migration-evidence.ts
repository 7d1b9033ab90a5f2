import type { Kysely } from "kysely";

/**
 * The tree over the ledger and what is signed of it. Entries of before keep their hashes, which are the leaves of the
 * tree as all others are; it is built with the first checkpoint.
 */
export async function evidence(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("ledger").addColumn("salt", "text").execute();
  await db.schema.alterTable("ledger").addColumn("commitment", "text").execute();
  await db.schema
    .createTable("ledger_nodes")
    .addColumn("level", "integer", (column) => column.notNull())
    .addColumn("idx", "bigint", (column) => column.notNull())
    .addColumn("hash", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("ledger_nodes_pk", ["level", "idx"])
    .execute();
  await db.schema
    .createTable("checkpoints")
    .addColumn("size", "bigint", (column) => column.primaryKey().notNull())
    .addColumn("origin", "text", (column) => column.notNull())
    .addColumn("root", "text", (column) => column.notNull())
    .addColumn("at", "text", (column) => column.notNull())
    .addColumn("key_id", "text", (column) => column.notNull())
    .addColumn("signature", "text", (column) => column.notNull())
    .execute();
}
