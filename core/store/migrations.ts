import { type Kysely, sql } from "kysely";
import { type Migration, type MigrationProvider, Migrator } from "kysely/migration";
import { advice } from "./migration-advice.ts";
import { checks } from "./migration-checks.ts";
import { evidence } from "./migration-evidence.ts";
import { revocations } from "./migration-revocations.ts";
import type { Database } from "./schema.ts";

/** Forward only: a released migration is never edited, a mistake is mended by the next one. */
const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001_spine": { up: spine },
  "0002_history": { up: history },
  "0003_sweeps": { up: sweeps },
  "0004_policies": { up: policies },
  "0005_advice": { up: (db) => advice(db, rowId(db)) },
  "0006_evidence": { up: evidence },
  "0007_revocations": { up: revocations },
  "0008_checks": { up: checks },
};

/**
 * Brings the database to this version's schema. Refuses a database that a newer version has written, since an older
 * program cannot know what the newer one relies on.
 */
export async function migrate(db: Kysely<Database>): Promise<void> {
  const provider: MigrationProvider = { getMigrations: async () => ({ ...MIGRATIONS }) };
  const migrator = new Migrator({ db, provider });
  const applied = (await migrator.getMigrations()).filter((migration) => migration.executedAt);
  const unknown = await unknownMigrations(db, applied.length > 0);
  if (unknown.length > 0) {
    throw new Error(
      `the store was written by a newer version (it has ${unknown.join(", ")}); run that version, or restore a backup from before it`,
    );
  }
  const { error } = await migrator.migrateToLatest();
  if (error)
    throw new Error("the store could not be brought to this version's schema; nothing was changed", { cause: error });
}

async function unknownMigrations(db: Kysely<Database>, any: boolean): Promise<string[]> {
  if (!any) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map(({ name }) => name).filter((name) => !Object.hasOwn(MIGRATIONS, name));
}

/** The type of a number that the database gives each row by itself. */
function rowId(db: Kysely<unknown>): "integer" | "bigserial" {
  return db.getExecutor().adapter.constructor.name.startsWith("Sqlite") ? "integer" : "bigserial";
}

async function spine(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("signals")
    .addColumn("id", rowId(db), (column) => column.primaryKey())
    .addColumn("connection", "text", (column) => column.notNull())
    .addColumn("delivery_id", "text")
    .addColumn("body_digest", "text")
    .addColumn("ticket", "text")
    .addColumn("cause", "text", (column) => column.notNull())
    .addColumn("received_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex("signals_delivery")
    .unique()
    .on("signals")
    .columns(["connection", "delivery_id"])
    .execute();
  await db.schema.createIndex("signals_body").unique().on("signals").columns(["connection", "body_digest"]).execute();
  await db.schema
    .createTable("work")
    .addColumn("ticket", "text", (column) => column.primaryKey().notNull())
    .addColumn("connection", "text", (column) => column.notNull())
    .addColumn("type", "text", (column) => column.notNull())
    .addColumn("record_id", "text", (column) => column.notNull())
    .addColumn("record_key", "text")
    .addColumn("due_at", "bigint")
    .addColumn("rest_until", "bigint")
    .addColumn("generation", "bigint", (column) => column.notNull())
    .addColumn("lease_until", "bigint")
    .addColumn("lease_owner", "text")
    .addColumn("fence", "bigint", (column) => column.notNull())
    .addColumn("attempts", "integer", (column) => column.notNull())
    .addColumn("outages", "integer", (column) => column.notNull())
    .addColumn("parked_at", "bigint")
    .addColumn("parked_reason", "text")
    .addColumn("parked_detail", "text")
    .execute();
  await db.schema
    .createIndex("work_due")
    .on("work")
    .column("due_at")
    .where(sql.ref("due_at"), "is not", null)
    .execute();
  await db.schema
    .createIndex("work_parked")
    .on("work")
    .column("parked_at")
    .where(sql.ref("parked_at"), "is not", null)
    .execute();
  await db.schema.createIndex("work_key").on("work").columns(["connection", "record_key"]).execute();
  await ticketTables(db);
  await recordTables(db, rowId(db) === "integer");
}

async function ticketTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("tickets")
    .addColumn("ticket", "text", (column) => column.primaryKey().notNull())
    .addColumn("connection", "text", (column) => column.notNull())
    .addColumn("type", "text", (column) => column.notNull())
    .addColumn("record_id", "text", (column) => column.notNull())
    .addColumn("record_key", "text", (column) => column.notNull())
    .addColumn("revision", "text", (column) => column.notNull())
    .addColumn("decision_id", "text", (column) => column.notNull())
    .addColumn("outcome_digest", "text", (column) => column.notNull())
    .addColumn("decision", "text", (column) => column.notNull())
    .addColumn("gates", "text", (column) => column.notNull())
    .addColumn("fields", "text", (column) => column.notNull())
    .addColumn("wake_at", "bigint")
    .addColumn("settled_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("tickets_key").on("tickets").columns(["connection", "record_key"]).execute();
  await db.schema
    .createTable("actions")
    .addColumn("id", "text", (column) => column.primaryKey().notNull())
    .addColumn("ticket", "text", (column) => column.notNull())
    .addColumn("decision_id", "text", (column) => column.notNull())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("field", "text", (column) => column.notNull())
    .addColumn("before", "text")
    .addColumn("after", "text")
    .addColumn("because", "text", (column) => column.notNull())
    .addColumn("marker", "text", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("intent_at", "bigint", (column) => column.notNull())
    .addColumn("receipt_at", "bigint")
    .addColumn("detail", "text", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("actions_ticket").on("actions").columns(["ticket", "intent_at"]).execute();
  await db.schema
    .createIndex("actions_open")
    .on("actions")
    .column("ticket")
    .where(sql.ref("state"), "=", "open")
    .execute();
}

async function recordTables(db: Kysely<unknown>, sqlite: boolean): Promise<void> {
  await db.schema
    .createTable("ledger")
    .addColumn("seq", sqlite ? "integer" : "bigint", (column) => column.primaryKey().notNull())
    .addColumn("at", "text", (column) => column.notNull())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("ticket", "text")
    .addColumn("body", "text", (column) => column.notNull())
    .addColumn("prev", "text", (column) => column.notNull())
    .addColumn("hash", "text", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("watermarks")
    .addColumn("connection", "text", (column) => column.notNull())
    .addColumn("type", "text", (column) => column.notNull())
    .addColumn("value", "text", (column) => column.notNull())
    .addColumn("updated_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("watermarks_pk", ["connection", "type"])
    .execute();
}

/** What a write needs to be judged by after a crash, and what was not written or only suggested. */
async function history(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("actions").addColumn("basis", "text").execute();
  await db.schema.alterTable("actions").addColumn("doubt_at", "bigint").execute();
  await db.schema
    .alterTable("tickets")
    .addColumn("skips", "text", (column) => column.notNull().defaultTo("[]"))
    .execute();
  await db.schema
    .alterTable("tickets")
    .addColumn("suggested_digest", "text", (column) => column.notNull().defaultTo(""))
    .execute();
}

/** What sweeps saw at the source, so that completeness is counted and not guessed. */
async function sweeps(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("swept")
    .addColumn("ticket", "text", (column) => column.notNull())
    .addColumn("revision", "text", (column) => column.notNull())
    .addColumn("updated_at", "bigint", (column) => column.notNull())
    .addColumn("connection", "text", (column) => column.notNull())
    .addColumn("record_type", "text", (column) => column.notNull())
    .addColumn("seen_at", "bigint", (column) => column.notNull())
    .addColumn("found_by", "text", (column) => column.notNull())
    .addColumn("webhook_at", "bigint")
    .addColumn("signal_at", "bigint")
    .addColumn("signals", "integer", (column) => column.notNull())
    .addColumn("near_own_write", "integer", (column) => column.notNull())
    .addPrimaryKeyConstraint("swept_pk", ["ticket", "revision", "updated_at"])
    .execute();
  await db.schema
    .createIndex("swept_window")
    .on("swept")
    .columns(["connection", "record_type", "updated_at"])
    .execute();
}

/** Policy versions are kept, and what decisions were made from, so that each can be explained and made again. */
async function policies(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("policies")
    .addColumn("version", "text", (column) => column.primaryKey().notNull())
    .addColumn("rules", "text", (column) => column.notNull())
    .addColumn("sources", "text", (column) => column.notNull())
    .addColumn("since", "bigint", (column) => column.notNull())
    .execute();
  await db.schema
    .createTable("inputs")
    .addColumn("decision_id", "text", (column) => column.primaryKey().notNull())
    .addColumn("ticket", "text", (column) => column.notNull())
    .addColumn("inputs", "text", (column) => column.notNull())
    .addColumn("decided_at", "bigint", (column) => column.notNull())
    .execute();
  await widenDecisions(db);
}

const ROWS_AT_ONCE = 500;

/** Decisions of before have no gates, clocks or hours, and a trace with every rule written out. */
async function widenDecisions(db: Kysely<unknown>): Promise<void> {
  for (let after = ""; ; ) {
    const { rows } = await sql<{ ticket: string; decision: string }>`
      select ticket, decision from tickets where ticket > ${after} order by ticket limit ${ROWS_AT_ONCE}`.execute(db);
    for (const { ticket, decision } of rows) {
      const widened = {
        ...{ takeOver: [], gates: [], sla: [], escalations: [], wakeAt: null, mode: "act" },
        ...(JSON.parse(decision) as object), // written by this program
        trace: { verdicts: "", reads: {}, messages: {} },
      };
      await sql`update tickets set decision = ${JSON.stringify(widened)} where ticket = ${ticket}`.execute(db);
    }
    const last = rows.at(-1);
    if (!last) return;
    after = last.ticket;
  }
}
