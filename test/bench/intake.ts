import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import autocannon from "autocannon";
import { writeConfigFolder } from "../support/config-folder.ts";
import { type Delivery, jiraDelivery } from "../support/deliveries.ts";
import { freePort, startProcess, waitUntilLive } from "../support/server-process.ts";

const CONNECTIONS = 64;
const WARM_UP_S = 2;
const ROUNDS = 2;
const ISSUES = 500;
/** Nothing becomes due while acknowledgements are measured: the loop's work is the storm's subject, not this one's. */
const SETTLE_MS = 3_600_000;

interface Round {
  perS: number;
  p99Ms: number;
}

/** Acknowledged deliveries per second of the real server and of a bare express, in turns, in one run. */
export async function benchIntake(seconds: number): Promise<Record<string, unknown>> {
  const folder = mkdtempSync(join(tmpdir(), "interlock-intake-"));
  const [port, barePort] = [await freePort(), await freePort()];
  const nowhere = "http://127.0.0.1:9";
  const folders = writeConfigFolder(folder, {
    snowUrl: nowhere,
    jiraUrl: nowhere,
    port,
    mode: "observe",
    limits: { settleMs: SETTLE_MS },
  });
  const server = await startProcess(folder, folders, port);
  const bare = spawn(process.execPath, [fileURLToPath(new URL("bare-express.ts", import.meta.url)), String(barePort)], {
    stdio: "ignore",
  });
  try {
    const bareUrl = `http://127.0.0.1:${barePort}`;
    await waitUntilLive(bare, bareUrl);
    const next = deliveries();
    await load(server.url, WARM_UP_S, next);
    await load(bareUrl, WARM_UP_S, next);
    const ours: Round[] = [];
    const theirs: Round[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      ours.push(await load(server.url, seconds, next));
      theirs.push(await load(bareUrl, seconds, next));
    }
    const [acks, plain] = [mean(ours), mean(theirs)];
    const ratio = Number((acks / plain).toFixed(3));
    return {
      bench: "intake",
      acks_per_s: Math.round(acks),
      bare_express_per_s: Math.round(plain),
      ratio,
      p99_ms: Math.max(...ours.map(({ p99Ms }) => p99Ms)),
    };
  } finally {
    bare.kill("SIGKILL");
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function load(url: string, seconds: number, next: () => Delivery): Promise<Round> {
  const result = await autocannon({
    url,
    connections: CONNECTIONS,
    duration: seconds,
    method: "POST",
    requests: [
      {
        setupRequest(request) {
          const { path, headers, body } = next();
          return { ...request, path, headers, body };
        },
      },
    ],
  });
  // An answer that is not 202 would be fast for the wrong reason.
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} answers were not 202 and ${result.errors} requests failed`);
  return { perS: result["2xx"] / result.duration, p99Ms: result.latency.p99 };
}

/** Every delivery is new: its own id, its own body, signed. */
function deliveries(): () => Delivery {
  let count = 0;
  return () => {
    count += 1;
    const issue = 10_000 + (count % ISSUES);
    return jiraDelivery(`bench-${count}`, {
      id: String(issue),
      key: `OPS-${issue}`,
      timestamp: 1_770_000_000_000 + count,
    });
  };
}

function mean(rounds: readonly Round[]): number {
  return rounds.reduce((sum, { perS }) => sum + perS, 0) / rounds.length;
}
