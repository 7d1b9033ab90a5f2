import type { Kysely } from "kysely";

/** What advice costs, says and turns out to be: kept so that nothing is paid twice and nothing is trusted unmeasured. */
export async function advice(db: Kysely<unknown>, rowId: "integer" | "bigserial"): Promise<void> {
  await db.schema
    .createTable("spend")
    .addColumn("id", rowId, (column) => column.primaryKey())
    .addColumn("scope", "text", (column) => column.notNull())
    .addColumn("span", "text", (column) => column.notNull())
    .addColumn("micros", "bigint", (column) => column.notNull())
    .addColumn("calls", "bigint", (column) => column.notNull())
    .addColumn("booked_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("spend_line").unique().on("spend").columns(["scope", "span"]).execute();
  await db.schema
    .createTable("answers")
    .addColumn("digest", "text", (column) => column.primaryKey().notNull())
    .addColumn("step", "text", (column) => column.notNull())
    .addColumn("provider", "text", (column) => column.notNull())
    .addColumn("model", "text", (column) => column.notNull())
    .addColumn("prompt_version", "text", (column) => column.notNull())
    .addColumn("outcome", "text", (column) => column.notNull())
    .addColumn("cost_micros", "bigint", (column) => column.notNull())
    .addColumn("answered_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("answers_age").on("answers").column("answered_at").execute();
  await outcomeTables(db, rowId);
  await db.schema
    .alterTable("tickets")
    .addColumn("advised", "text", (column) => column.notNull().defaultTo("[]"))
    .execute();
}

async function outcomeTables(db: Kysely<unknown>, rowId: "integer" | "bigserial"): Promise<void> {
  await db.schema
    .createTable("outcomes")
    .addColumn("id", rowId, (column) => column.primaryKey())
    .addColumn("ticket", "text", (column) => column.notNull())
    .addColumn("by", "text", (column) => column.notNull())
    .addColumn("field", "text", (column) => column.notNull())
    .addColumn("label", "text", (column) => column.notNull())
    .addColumn("final", "text", (column) => column.notNull())
    .addColumn("correct", "integer", (column) => column.notNull())
    .addColumn("automatic", "integer", (column) => column.notNull())
    .addColumn("audited", "integer", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("outcomes_class").on("outcomes").columns(["by", "field", "label", "id"]).execute();
  await db.schema
    .createTable("demotions")
    .addColumn("by", "text", (column) => column.notNull())
    .addColumn("field", "text", (column) => column.notNull())
    .addColumn("label", "text", (column) => column.notNull())
    .addColumn("since", "text", (column) => column.notNull())
    .addColumn("tickets", "integer", (column) => column.notNull())
    .addColumn("errors", "integer", (column) => column.notNull())
    .addColumn("target_bp", "integer", (column) => column.notNull())
    .addPrimaryKeyConstraint("demotions_pk", ["by", "field", "label"])
    .execute();
}
