import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import axios from "axios";
import type { ConfigFolder } from "./config-folder.ts";

const READY_WITHIN_MS = 15_000;
const LOOK_EVERY_MS = 20;
export const PROCESS_ADMIN_TOKEN = "process-admin-token";

/** `interlock serve` in a process of its own, as it runs in production. */
export interface ServerProcess {
  url: string;
  pid: number;
  /** kill -9: nothing is drained, nothing is released. */
  kill(): Promise<void>;
  /** SIGTERM; answers the exit code. */
  stop(): Promise<number | null>;
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // listening on TCP
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

/** Starts the server on the port its configuration names, and waits until it is ready. Its log goes to `serve.log`. */
export async function startProcess(folder: string, folders: ConfigFolder, port: number): Promise<ServerProcess> {
  const script = fileURLToPath(new URL("../../cli/interlock.ts", import.meta.url));
  const child = spawn(process.execPath, [script, "serve", "--config", folders.config, "--mappings", folders.mappings], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, INTERLOCK_ADMIN_TOKEN: PROCESS_ADMIN_TOKEN },
  });
  child.stderr?.pipe(createWriteStream(join(folder, "serve.log"), { flags: "a" }));
  const url = `http://127.0.0.1:${port}`;
  await waitUntilLive(child, url);
  return {
    url,
    pid: child.pid ?? 0,
    async kill() {
      await ended(child, "SIGKILL");
    },
    stop: () => ended(child, "SIGTERM"),
  };
}

/** Waits until `GET /livez` answers; fails when the process ends instead. */
export async function waitUntilLive(child: ChildProcess, url: string): Promise<void> {
  const deadlineMs = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadlineMs) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode} instead of starting`);
    const answer = await axios
      .get(`${url}/livez`, { timeout: 1_000, proxy: false, validateStatus: () => true })
      .catch(() => undefined);
    if (answer?.status === 200) return;
    await wait(LOOK_EVERY_MS);
  }
  child.kill("SIGKILL");
  throw new Error(`the server was not ready within ${READY_WITHIN_MS} ms`);
}

function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => {
    child.once("exit", (code) => resolve(code));
    child.kill(signal);
  });
}
