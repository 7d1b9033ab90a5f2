import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { callableHost, urlOf } from "../../cli/address.ts";
import { writeConfigFolder } from "../support/config-folder.ts";

const HEALTH = fileURLToPath(new URL("../../cli/health.ts", import.meta.url));

describe("Where a server can be called on its own machine", () => {
  it("is the host it listens on, or loopback where it listens everywhere", () => {
    expect(["0.0.0.0", "::", "", "::1", "10.0.0.7", "localhost"].map(callableHost)).to.deep.equal([
      "127.0.0.1",
      "::1",
      "127.0.0.1",
      "::1",
      "10.0.0.7",
      "localhost",
    ]);
    expect([urlOf("0.0.0.0", 80), urlOf("::", 81), urlOf("a.example", 82)]).to.deep.equal([
      "http://127.0.0.1:80",
      "http://[::1]:81",
      "http://a.example:82",
    ]);
  });

  it("is where the container's health check asks", async function (this: Mocha.Context) {
    if (process.platform !== "linux") this.skip(); // elsewhere loopback is one address
    const folder = mkdtempSync(join(tmpdir(), "interlock-health-"));
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.writeHead(200).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.2", resolve));
    const { port } = server.address() as AddressInfo; // listening on TCP
    const options = { snowUrl: "http://127.0.0.1:9", jiraUrl: "http://127.0.0.1:9", port };
    const health = (host: string): Promise<number | null> => {
      const { config, mappings } = writeConfigFolder(join(folder, host), { ...options, host });
      const env = { ...process.env, INTERLOCK_CONFIG: config, INTERLOCK_MAPPINGS: mappings };
      return new Promise((resolve) => spawn(process.execPath, [HEALTH], { env }).once("exit", resolve));
    };
    expect(await Promise.all([health("127.0.0.2"), health("127.0.0.1")])).to.deep.equal([0, 1]);
    expect(asked).to.deep.equal(["/readyz"]);
    await new Promise((resolve) => server.close(resolve));
    rmSync(folder, { recursive: true, force: true });
  });
});
