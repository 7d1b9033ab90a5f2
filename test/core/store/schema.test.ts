import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { sql } from "kysely";
import { openSqliteRig, type SqliteRig } from "../../contract/sqlite-rig.ts";

const GOLDEN = fileURLToPath(new URL("./schema.golden.sql", import.meta.url));

const HOW_TO = `the schema is not the one in test/core/store/schema.golden.sql. A released migration is never edited: a change is a new
migration. If there is one and the change is meant, run the test once with UPDATE_GOLDEN=1 and commit the file`;

describe("SQLite store: schema", () => {
  let rig: SqliteRig;
  before(async () => {
    rig = await openSqliteRig();
  });
  after(() => rig.close());

  it("is what the migrations made of it so far", async () => {
    const { rows } = await sql<{ sql: string }>`
      select sql from sqlite_schema where sql is not null and name not like 'sqlite_%' order by type desc, name
    `.execute(rig.driver.db);
    const schema = rows.map((row) => `${laidOut(row.sql)};\n`).join("\n");
    if (process.env["UPDATE_GOLDEN"]) writeFileSync(GOLDEN, schema);
    expect(schema, HOW_TO).to.equal(readFileSync(GOLDEN, "utf8"));
  });
});

/** One column per line, so that a difference can be read. */
function laidOut(statement: string): string {
  if (!/^create table/i.test(statement)) return statement;
  const lines = statement.replace(" (", " (\n  ").replaceAll(/, (?=constraint|"\w+" \w)/g, ",\n  ");
  return lines.replace(/\)$/, "\n)");
}
