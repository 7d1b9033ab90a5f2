import { execFile, execFileSync } from "node:child_process";
import {
  accessSync,
  appendFileSync,
  chownSync,
  constants,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import pg from "pg";

const run = promisify(execFile);

/** Where Debian and its kin keep the programs of a server, one folder per version. */
const DEBIAN = "/usr/lib/postgresql";
const START_TRIES = 3;
const USER = "interlock";

/** A throwaway PostgreSQL cluster on loopback. */
export interface Postgres {
  url(database: string): string;
  /** Makes an empty database; answers its URL. */
  createDatabase(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a cluster in a folder of its own, durable as in production, or says what is missing for it. */
export async function startPostgres(): Promise<Postgres | { missing: string }> {
  const programs = findPrograms();
  if (programs === undefined)
    return { missing: "no PostgreSQL server (initdb, pg_ctl) on this machine; install it: apt-get install postgresql" };
  const account = accountFor();
  if (account === undefined)
    return { missing: "PostgreSQL does not run as root, and there is no user postgres or nobody to run it as" };
  const folder = mkdtempSync(join(tmpdir(), "interlock-pg-"));
  const data = join(folder, "data");
  const call = (program: string, args: string[]): Promise<unknown> =>
    run(join(programs, program), args, { ...account, cwd: folder, env: { ...process.env, LC_ALL: "C" } });
  try {
    if ("uid" in account) chownSync(folder, account.uid, account.gid);
    await call("initdb", ["-D", data, "-U", USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
    const port = await startOn(call, folder, data);
    return clusterOf({ call, folder, data, port, pgCtl: join(programs, "pg_ctl"), account });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

let shared: Promise<Postgres | { missing: string }> | undefined;
let stopsAtTheEnd = false;

/**
 * The cluster that all suites of a run share: started by the first that asks, stopped when the run ends. To be called at
 * the top of a test file, outside of its suites; the answer is for their `before` hooks. A machine without PostgreSQL
 * skips those suites and says so; where CI is set that is a failure.
 */
export function sharedPostgres(): (suite: Mocha.Context) => Promise<Postgres> {
  if (!stopsAtTheEnd) {
    stopsAtTheEnd = true;
    after("stop PostgreSQL", async () => {
      const started = await shared?.catch(() => undefined);
      if (started && !("missing" in started)) await started.stop();
    });
  }
  return async (suite) => {
    suite.timeout(60_000);
    shared ??= startPostgres();
    const started = await shared;
    if (!("missing" in started)) return started;
    if (process.env["CI"]) throw new Error(started.missing);
    process.stdout.write(`    not tested: ${started.missing}\n`);
    return suite.skip();
  };
}

type Account = { uid: number; gid: number } | Record<string, never>;

/** As whom to run: an empty answer is "as ourselves"; PostgreSQL refuses to run as root. */
function accountFor(): Account | undefined {
  if (process.getuid?.() !== 0) return {};
  for (const name of ["postgres", "nobody"]) {
    try {
      const id = (flag: string): number => Number(execFileSync("id", [flag, name], { stdio: "pipe" }).toString());
      return { uid: id("-u"), gid: id("-g") };
    } catch {
      // No such user: the next one.
    }
  }
  return undefined;
}

/** The folder that holds initdb, pg_ctl and postgres: on the PATH, else the newest that Debian's packages brought. */
function findPrograms(): string | undefined {
  const onPath = (process.env["PATH"] ?? "").split(delimiter).flatMap((folder) => {
    try {
      return [dirname(realpathSync(join(folder, "initdb")))];
    } catch {
      return [];
    }
  });
  return [...onPath, ...debianFolders()].find((folder) =>
    ["initdb", "pg_ctl", "postgres"].every((program) => isExecutable(join(folder, program))),
  );
}

function debianFolders(): string[] {
  try {
    const versions = readdirSync(DEBIAN).filter((name) => /^\d/.test(name));
    return versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(DEBIAN, version, "bin"));
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

type Call = (program: string, args: string[]) => Promise<unknown>;

/** Starts the server on a free port; another program may take the port in between, so it is tried again. */
async function startOn(call: Call, folder: string, data: string): Promise<number> {
  for (let tries = 1; ; tries += 1) {
    const port = await freePort();
    const settings = {
      listen_addresses: "'127.0.0.1'",
      port,
      unix_socket_directories: `'${folder}'`,
      fsync: "on",
      shared_buffers: "'16MB'",
      max_connections: 64,
      max_wal_size: "'128MB'",
      autovacuum: "off",
      deadlock_timeout: "'200ms'",
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`);
    appendFileSync(join(data, "postgresql.conf"), lines.join(""));
    try {
      await call("pg_ctl", ["-D", data, "-w", "-t", "30", "-l", join(folder, "log"), "start"]);
      return port;
    } catch (error) {
      if (tries === START_TRIES) throw error;
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address !== null && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}

interface Cluster {
  call: Call;
  folder: string;
  data: string;
  port: number;
  pgCtl: string;
  account: Account;
}

function clusterOf({ call, folder, data, port, pgCtl, account }: Cluster): Postgres {
  const url = (database: string): string => `postgres://${USER}@127.0.0.1:${port}/${database}`;
  // A run that ends without its after hooks must not leave a server behind.
  const atExit = (): void => {
    execFileSync(pgCtl, ["-D", data, "-m", "immediate", "stop"], { ...account, cwd: folder, stdio: "ignore" });
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", atExit);
  let made = 0;
  return {
    url,
    async createDatabase() {
      made += 1;
      const name = `interlock_${made}`;
      const client = new pg.Client({ connectionString: url("postgres") });
      await client.connect();
      try {
        await client.query(`create database ${name}`);
      } finally {
        await client.end();
      }
      return url(name);
    },
    async stop() {
      process.off("exit", atExit);
      // Nobody will read this data again, so nothing has to be written out.
      await call("pg_ctl", ["-D", data, "-m", "immediate", "-w", "stop"]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
