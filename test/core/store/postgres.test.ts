import { expect } from "chai";
import { sql } from "kysely";
import pg from "pg";
import { StoreUnavailableError } from "../../../core/errors.ts";
import type { StoreDriver } from "../../../core/store/driver.ts";
import { openPostgres } from "../../../core/store/postgres.ts";
import { openStore, storeOver } from "../../../core/store/sql-store.ts";
import type { Store } from "../../../core/store/store.ts";
import { dumpOf, hint, hints, rejection, verified } from "../../contract/store-rig.ts";
import { type Postgres, sharedPostgres } from "../../support/postgres.ts";

const postgres = sharedPostgres();

/** Ends every connection that stores have to the database, or the ones that wait for a lock only. Answers how many. */
async function cut(admin: pg.Client, only: "all" | "waiting"): Promise<number> {
  const { rowCount } = await admin.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and application_name = 'interlock'
     and ($1 = 'all' or wait_event_type = 'Lock')`,
    [only],
  );
  return rowCount ?? 0;
}

/** Tries until it is accepted; every refusal on the way must be the one that means "come back". */
async function acceptedInTheEnd(store: Store, recordId: string): Promise<void> {
  const signal = hint(recordId);
  // One try for each connection that the pool may hold, and one more.
  for (let tries = 0; tries < 10; tries += 1) {
    try {
      expect(await store.accept([signal], 0)).to.deep.equal(["accepted"]);
      return;
    } catch (error) {
      expect(error).to.be.instanceOf(StoreUnavailableError);
    }
  }
  throw new Error("the store did not recover");
}

describe("PostgreSQL store: opening", () => {
  let server: Postgres;
  before(async function () {
    server = await postgres(this);
  });

  it("lets several processes start on an empty database at once", async () => {
    const url = await server.createDatabase();
    const stores = await Promise.all(Array.from({ length: 4 }, () => openStore(openPostgres(url))));
    const answers = await Promise.all(stores.map((store, index) => store.accept([hint(`r${index}`)], 0)));
    expect(answers.flat()).to.deep.equal(["accepted", "accepted", "accepted", "accepted"]);
    await Promise.all(stores.map((store) => store.close()));
  });

  it("refuses a store that a newer version has written, and leaves no connection behind", async () => {
    const url = await server.createDatabase();
    const driver = openPostgres(url);
    await openStore(driver);
    await sql`insert into kysely_migration (name, timestamp) values ('0099_future', '2030-01-01')`.execute(driver.db);
    await driver.close();
    const refused = openPostgres(url);
    expect(String(await rejection(openStore(refused)))).to.match(/written by a newer version \(it has 0099_future\)/);
    expect(String(await rejection(refused.db.selectFrom("work").selectAll().execute()))).to.match(/destroyed|end/);
  });

  it("bounds how long a statement may run and a transaction may stand still", async () => {
    const driver = openPostgres(await server.createDatabase());
    for (const setting of ["statement_timeout", "idle_in_transaction_session_timeout"]) {
      const { rows } = await sql<Record<string, string>>`select current_setting(${setting}) as value`.execute(
        driver.db,
      );
      expect(rows[0]?.["value"]).to.equal("30s");
    }
    await driver.close();
  });

  it("says so when there is no server", async () => {
    const store = storeOver(openPostgres("postgres://interlock@127.0.0.1:1/interlock"));
    expect(await rejection(store.ping())).to.be.instanceOf(StoreUnavailableError);
    expect(await rejection(store.counts())).to.be.instanceOf(StoreUnavailableError);
    await store.close();
  });
});

describe("PostgreSQL store: not writable", () => {
  let server: Postgres;
  let admin: pg.Client;
  let driver: StoreDriver;
  let store: Store;
  before(async function () {
    server = await postgres(this);
  });
  beforeEach(async () => {
    const url = await server.createDatabase();
    admin = new pg.Client({ connectionString: url });
    await admin.connect();
    driver = openPostgres(url);
    store = await openStore(driver);
    await store.accept(hints(10, "before-"), 0);
  });
  afterEach(async () => {
    await store.close();
    await admin.end();
  });

  it("says so when its connection is cut half way through a batch, keeps nothing of it, and goes on", async () => {
    const before = await dumpOf(driver.db);
    await admin.query("begin");
    await admin.query("lock table ledger in access exclusive mode");
    const answer = rejection(store.accept(hints(50, "cut-"), 0));
    while ((await cut(admin, "waiting")) === 0);
    expect(await answer).to.be.instanceOf(StoreUnavailableError);
    await admin.query("rollback");
    expect(await dumpOf(driver.db)).to.deep.equal(before);
    await acceptedInTheEnd(store, "after");
    expect(await verified(store)).to.include({ ok: true, entries: 11 });
  });

  it("outlives the loss of idle connections", async () => {
    await Promise.all(hints(8).map((signal) => store.accept([signal], 0)));
    expect(await cut(admin, "all")).to.be.greaterThan(1);
    await acceptedInTheEnd(store, "after");
    expect(await verified(store)).to.include({ ok: true, entries: 19 });
  });

  it("says so when the database is read-only, as a standby is, and goes on when it is not", async () => {
    const { rows } = await admin.query<{ name: string }>("select current_database() as name");
    const set = async (value: string): Promise<void> => {
      await admin.query(`alter database ${rows[0]?.name} set default_transaction_read_only = ${value}`);
      await cut(admin, "all");
    };
    await set("on");
    for (let tries = 0; tries < 10; tries += 1)
      expect(await rejection(store.accept(hints(1), 0))).to.be.instanceOf(StoreUnavailableError);
    expect(await rejection(store.ping())).to.be.instanceOf(StoreUnavailableError);
    await set("off");
    await acceptedInTheEnd(store, "after");
    expect(await store.counts()).to.include({ signals: 11, ledger: 11 });
  });
});
