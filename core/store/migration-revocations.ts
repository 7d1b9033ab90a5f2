import type { Kysely } from "kysely";

/** What is to be undone and what came of it, and modes that were lowered while the server ran. */
export async function revocations(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("revocations")
    .addColumn("id", "text", (column) => column.primaryKey().notNull())
    .addColumn("selector", "text", (column) => column.notNull())
    .addColumn("by", "text", (column) => column.notNull())
    .addColumn("reason", "text", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("revoked")
    .addColumn("action_id", "text", (column) => column.primaryKey().notNull())
    .addColumn("revocation", "text", (column) => column.notNull())
    .addColumn("ticket", "text", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("reason", "text", (column) => column.notNull())
    .addColumn("ended_at", "bigint")
    .execute();
  await db.schema.createIndex("revoked_of").on("revoked").columns(["revocation", "action_id"]).execute();
  await db.schema.createIndex("revoked_ticket").on("revoked").columns(["ticket", "state"]).execute();
  await db.schema
    .createTable("modes")
    .addColumn("connection", "text", (column) => column.primaryKey().notNull())
    .addColumn("mode", "text", (column) => column.notNull())
    .addColumn("by", "text", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .execute();
}
