import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { openStoreUrl, viewStoreUrl } from "../../cli/store.ts";
import { systemClock } from "../../cli/system.ts";
import { until } from "../e2e/stage.ts";
import { send } from "../routes/client.ts";
import { jiraHeaders } from "../routes/ingress.ts";
import { recordingLog } from "../routes/recording-log.ts";
import { type ConfigFolder, type FolderOptions, writeConfigFolder } from "../support/config-folder.ts";
import { freePort } from "../support/server-process.ts";
import { type Child, type CommandOptions, start } from "./command.ts";

/** Nobody listens there, so tickets wait for their vendor. */
const NOWHERE = { snowUrl: "http://127.0.0.1:9", jiraUrl: "http://127.0.0.1:9" };

describe("interlock serve", function (this: Mocha.Suite) {
  this.timeout(60_000);
  let folder: string;
  let port: number;
  let children: Child[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "interlock-serve-"));
    port = await freePort();
    children = [];
  });
  afterEach(async () => {
    for (const child of children) child.signal("SIGKILL");
    await Promise.all(children.map(({ ended }) => ended));
    rmSync(folder, { recursive: true, force: true });
  });

  const database = (): string => join(folder, "interlock.db");
  const configure = (more: Partial<FolderOptions> = {}): ConfigFolder =>
    writeConfigFolder(folder, { ...NOWHERE, port, logLevel: "info", ...more });
  const serve = ({ config, mappings }: ConfigFolder, options: CommandOptions = {}): Child => {
    const child = start(["serve", "--config", config, "--mappings", mappings], options);
    children.push(child);
    return child;
  };
  const ask = (path: string) => send(`http://127.0.0.1:${port}${path}`);
  const listening = (child: Child) =>
    until("the server listens", () => child.stderr().includes("interlock is listening"), 30_000);
  const deliver = (n: number) => {
    const body = JSON.stringify({ timestamp: n, issue: { id: String(n), key: `OPS-${n}` } });
    const headers = jiraHeaders(body, { id: `id-${n}` });
    return send(`http://127.0.0.1:${port}/webhooks/jira`, { method: "POST", headers, body });
  };

  it("with a broken configuration starts nothing, lists everything that is wrong, and exits with 1", async () => {
    const folders = configure();
    appendFileSync(join(folders.config, "interlock.yaml"), "colour: blue\nmoed: act\n");
    const { code, stdout, stderr } = await serve(folders).ended;
    expect([code, stdout]).to.deep.equal([1, ""]);
    expect(stderr)
      .to.match(/interlock\.yaml:\d+:1 colour: /)
      .and.to.match(/interlock\.yaml:\d+:1 moed: /);
    expect(stderr).to.contain("2 problems in the configuration. Nothing was started.");
    expect(existsSync(database())).to.equal(false);
    expect(await ask("/livez").catch(() => "nobody listens")).to.equal("nobody listens");
  });

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    it(`answers until ${signal}, then exits with 0 and leaves no lease`, async () => {
      const child = serve(configure());
      await listening(child);
      expect((await ask("/readyz")).status).to.equal(200);
      for (let n = 1; n <= 20; n += 1) expect((await deliver(n)).status).to.equal(202);
      child.signal(signal);
      const { code, stdout, stderr } = await child.ended;
      expect([code, stdout]).to.deep.equal([0, ""]);
      expect(stderr).to.contain("interlock has stopped");
      for (const line of stderr.trim().split("\n"))
        expect(JSON.parse(line)).to.include.keys("level", "message", "timestamp");
      const store = viewStoreUrl(`file:${database()}`, systemClock);
      expect(await store.counts()).to.include({ leased: 0, signals: 20 });
      const kinds = (await store.entries(0, 1_000)).map(({ kind }) => kind);
      expect([kinds[0], kinds.at(-1)]).to.deep.equal(["start", "stop"]);
      await store.close();
    });
  }

  it("refuses a store that another process works on, and names it", async () => {
    const first = serve(configure());
    await listening(first);
    const second = await serve(configure({ port: await freePort() })).ended;
    expect(second.code).to.equal(1);
    expect(second.stderr)
      .to.contain(`is in use by process ${first.pid} on `)
      .and.to.contain("stop that one, or use a postgres:// store");
    expect((await ask("/readyz")).status, "the first one is none the worse for it").to.equal(200);
  });

  it("takes a store over from a process that was killed", async () => {
    const first = serve(configure());
    await listening(first);
    expect((await deliver(1)).status).to.equal(202);
    first.signal("SIGKILL");
    await first.ended;
    const second = serve(configure());
    await listening(second);
    expect(JSON.stringify((await deliver(1)).json)).to.contain("duplicate");
  });

  it("exits with 1 where its port is taken, and does not work in the dark", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(port, "127.0.0.1", resolve));
    const child = serve(configure());
    const { code, stderr } = await child.ended;
    other.close();
    expect(code).to.equal(1);
    expect(stderr).to.contain(`cannot listen on 127.0.0.1:${port}`).and.to.contain("EADDRINUSE");
    const store = await openStoreUrl(`file:${database()}`, systemClock, recordingLog());
    expect(await store.counts()).to.include({ leased: 0 });
    await store.close();
  });

  it("answers 503 while its disk takes nothing, and takes the same delivery when there is room again", async function (this: Mocha.Context) {
    if (process.platform !== "linux" || !existsSync("/usr/bin/prlimit")) {
      process.stdout.write("      skipped: the size of a process's files can be limited with prlimit on Linux only\n");
      this.skip();
    }
    const child = serve(configure());
    await listening(child);
    expect((await deliver(1)).status).to.equal(202);
    const limit = (bytes: string) =>
      execFileSync("/usr/bin/prlimit", ["--pid", String(child.pid), `--fsize=${bytes}:unlimited`]);
    limit("1");
    const refused = await deliver(2);
    expect(refused.status).to.equal(503);
    expect(refused.headers["retry-after"]).to.equal("5");
    expect((await ask("/readyz")).status).to.equal(503);
    expect((await ask("/livez")).status).to.equal(200);
    limit("unlimited");
    expect((await deliver(2)).json).to.deep.equal({ outcome: "accepted", delivery: "id-2" });
    expect((await ask("/readyz")).status).to.equal(200);
    child.signal("SIGTERM");
    expect((await child.ended).code).to.equal(0);
  });
});
