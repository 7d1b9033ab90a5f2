import type { Kysely } from "kysely";

/** How the checks of changes went: reported once, and asked for as long as a change is watched. */
export async function checks(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("checks")
    .addColumn("ticket", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("passed", "integer", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("checks_pk", ["ticket", "name"])
    .execute();
}
