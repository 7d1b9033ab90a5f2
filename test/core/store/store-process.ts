import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("./sqlite-child.ts", import.meta.url));

/** Another process that has a store open. */
export interface StoreProcess {
  pid: number;
  /** Has it accept 200 hints, or ping, and answers with its word for what came of it. */
  ask(line: string): Promise<string>;
  /** Ends it at once, as a power cut would; resolves when it is gone. */
  kill(): Promise<void>;
}

/** Starts a process that opens a store; resolves when it holds it. */
export async function openElsewhere(file: string): Promise<StoreProcess> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", PROGRAM, file], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    return done ? "gone" : value;
  };
  const first = await next();
  if (first !== "open" || child.pid === undefined)
    throw new Error(`the other process did not open the store: ${first}`);
  return {
    pid: child.pid,
    ask(line) {
      child.stdin.write(`${line}\n`);
      return next();
    },
    kill: () => gone(child),
  };
}

async function gone(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}
