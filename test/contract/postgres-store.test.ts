import { sharedPostgres } from "../support/postgres.ts";
import { type PostgresRigs, postgresRigs } from "./postgres-rig.ts";
import { sharedStoreContract, storeContract } from "./store.contract.ts";
import { present } from "./store-rig.ts";

const postgres = sharedPostgres();

describe("PostgreSQL store", () => {
  let rigs: PostgresRigs | undefined;
  before(async function () {
    rigs = await postgresRigs(await (await postgres(this)).createDatabase());
  });
  after(() => rigs?.end());

  storeContract("PostgreSQL", () => present(rigs).open());
  sharedStoreContract("PostgreSQL", () => present(rigs).open());
});
