import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { openStoreUrl } from "../../cli/store.ts";
import { systemClock } from "../../cli/system.ts";
import { until } from "../e2e/stage.ts";
import { recordingLog } from "../routes/recording-log.ts";
import { type ConfigFolder, writeConfigFolder } from "../support/config-folder.ts";
import { freePort } from "../support/server-process.ts";
import { run, start } from "./command.ts";

const NOWHERE = { snowUrl: "http://127.0.0.1:9", jiraUrl: "http://127.0.0.1:9" };

describe("A store that does not open", function (this: Mocha.Suite) {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "interlock-opening-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const configure = (store: string): ConfigFolder => writeConfigFolder(folder, { ...NOWHERE, store, logLevel: "info" });
  const command = ({ config, mappings }: ConfigFolder, ...args: string[]) =>
    run([...args, "--config", config, "--mappings", mappings]);

  it("is named with what to do, and the process ends: a folder that cannot be made, a file in its place, no database", async () => {
    writeFileSync(join(folder, "taken"), "");
    writeFileSync(
      join(folder, "text.db"),
      "this is no database, and much longer than the header of one would have to be",
    );
    mkdirSync(join(folder, "folder.db"));
    const cases: [store: string, said: RegExp[]][] = [
      [
        `file:${folder}/taken/x.db`,
        [/the folder .*\/taken of the store cannot be made \(.*\); name another place under store:/],
      ],
      [
        `file:${folder}/text.db`,
        [/the store .*\/text\.db cannot be opened for writing \(.*\); .*store: in interlock\.yaml/],
      ],
      [`file:${folder}/folder.db`, [/the store .*\/folder\.db cannot be opened for writing/]],
      [
        `postgres://interlock@127.0.0.1:${await freePort()}/interlock`,
        [
          /the store postgres:\/\/127\.0\.0\.1:\d+\/interlock cannot be used; start the database, or correct store:/,
          /ECONNREFUSED/,
        ],
      ],
    ];
    if (process.platform === "linux")
      cases.push(["file:/proc/nope/x.db", [/the folder \/proc\/nope of the store cannot be made/, /ENOENT/]]);
    for (const [store, said] of cases) {
      const { code, stderr } = await command(configure(store), "serve");
      expect(code, store).to.equal(1);
      for (const words of said) expect(stderr).to.match(words);
    }
  });

  it("is named by the commands that only look at it, without its login", async () => {
    const folders = configure(
      `postgres://interlock:\${file:${folder}/password}@127.0.0.1:${await freePort()}/interlock`,
    );
    writeFileSync(join(folder, "password"), "hunter2");
    for (const args of [["parked"], ["explain", "snow/INC1"], ["ledger", "verify"]]) {
      const { code, stderr } = await command(folders, ...args);
      expect(code).to.equal(1);
      expect(stderr).to.contain("cannot be used; start the database").and.to.not.contain("hunter2");
    }
  });

  it("is given up after a minute", async () => {
    const sockets: Socket[] = [];
    const { server, port } = await silent(sockets);
    const hurried = { ...systemClock, sleep: () => systemClock.sleep(20) };
    const opening = openStoreUrl(`postgres://interlock@127.0.0.1:${port}/interlock`, hurried, recordingLog());
    const said = await opening.then(
      () => "it opened",
      (error: unknown) => String(error),
    );
    expect(said).to.contain(`the store postgres://127.0.0.1:${port}/interlock did not open within 60 s`);
    await close(server, sockets);
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`does not keep the process from ending at ${signal}`, async () => {
      const sockets: Socket[] = [];
      const { server, port } = await silent(sockets);
      const { config, mappings } = configure(`postgres://interlock@127.0.0.1:${port}/interlock`);
      const child = start(["serve", "--config", config, "--mappings", mappings]);
      await until("it waits for the database", () => sockets.length > 0, 30_000);
      const startMs = Date.now();
      child.signal(signal);
      const { code, stderr } = await child.ended;
      expect(Date.now() - startMs).to.be.below(3_000);
      expect([code, stderr.includes("stopped before it had started")]).to.deep.equal([0, true]);
      await close(server, sockets);
    });
  }
});

describe("Commands that only look", function (this: Mocha.Suite) {
  this.timeout(60_000);

  it("need no secret of a vendor, and not the rest of the configuration to be sound", async () => {
    const folder = mkdtempSync(join(tmpdir(), "interlock-look-"));
    const { config, mappings } = writeConfigFolder(folder, NOWHERE);
    const store = await openStoreUrl(`file:${join(folder, "interlock.db")}`, systemClock, recordingLog());
    await store.close();
    const file = join(config, "interlock.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(/\$\{file:.*\}/g, ["$", "{NOT_SET}"].join("")));
    const ask = (...args: string[]) => run([...args, "--config", config, "--mappings", mappings]);
    const [parked, verified, explained, checked] = await Promise.all([
      ask("parked"),
      ask("ledger", "verify"),
      ask("explain", "snow/INC1"),
      ask("check"),
    ]);
    expect([parked.code, parked.stdout]).to.deep.equal([0, "Nothing is parked.\n"]);
    expect([verified.code, verified.stderr]).to.deep.equal([0, ""]);
    expect(explained.stderr).to.contain("no signal has named that ticket yet");
    expect(checked.code, "which check does not let pass").to.equal(1);
    rmSync(folder, { recursive: true, force: true });
  });

  it("say that the server is not running where it is to do something", async () => {
    const folder = mkdtempSync(join(tmpdir(), "interlock-redrive-"));
    const { config, mappings } = writeConfigFolder(folder, { ...NOWHERE, port: await freePort() });
    const args = ["parked", "--redrive", "snow/INC1", "--config", config, "--mappings", mappings];
    const { code, stderr } = await run(args, { env: { INTERLOCK_ADMIN_TOKEN: "token" } });
    expect(code).to.equal(1);
    expect(stderr).to.match(/no server answers at http:\/\/127\.0\.0\.1:\d+; start it .*--server/);
    rmSync(folder, { recursive: true, force: true });
  });
});

/** Takes connections and says nothing, like a database behind a firewall that swallows. */
async function silent(sockets: Socket[]): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return { server, port: address !== null && typeof address === "object" ? address.port : 0 };
}

async function close(server: Server, sockets: readonly Socket[]): Promise<void> {
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
}
