/** Runs the command line as admins run it: in a process of its own. */
import { spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SCRIPT = fileURLToPath(new URL("../../cli/interlock.ts", import.meta.url));

export interface Ended {
  /** Exit code; null when a signal ended it. */
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Child {
  pid: number;
  stderr(): string;
  signal(name: NodeJS.Signals): void;
  ended: Promise<Ended>;
}

export interface CommandOptions {
  env?: Record<string, string>;
  /** What the process runs under, such as a shell that sets a limit first; gets the command as its arguments. */
  under?: readonly string[];
}

/** Starts `interlock <args>` in the repository's root. Nothing of the test's environment but the path gets in. */
export function start(args: readonly string[], { env = {}, under = [] }: CommandOptions = {}): Child {
  const [file = process.execPath, ...before] = [...under, process.execPath];
  const child = spawn(file, [...before, SCRIPT, ...args], {
    cwd: ROOT,
    // The cache spares each of the many processes the compiling of the same files.
    env: { PATH: process.env["PATH"], TZ: "UTC", NODE_COMPILE_CACHE: join(tmpdir(), "interlock-compiled"), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (part: Buffer) => {
    stdout += part.toString("utf8");
  });
  child.stderr.on("data", (part: Buffer) => {
    stderr += part.toString("utf8");
  });
  return {
    pid: child.pid ?? 0,
    stderr: () => stderr,
    signal: (name) => void child.kill(name),
    ended: new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => resolve({ code, stdout, stderr }));
    }),
  };
}

/** Runs it to its end. */
export function run(args: readonly string[], options: CommandOptions = {}): Promise<Ended> {
  return start(args, options).ended;
}
