/** The HTTP surface over a real store, without the loop: what arrives stays due, so a test can look at it. */
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { openOperating } from "../../cli/operating.ts";
import { identityGauges } from "../../cli/server.ts";
import { openStoreUrl } from "../../cli/store.ts";
import { openSweeping, type Sweeping } from "../../cli/sweeping.ts";
import { systemClock, systemIds, systemRng } from "../../cli/system.ts";
import { jiraWebhooks } from "../../connectors/jira/webhook.ts";
import { servicenowWebhooks } from "../../connectors/servicenow/webhook.ts";
import type { Spending } from "../../core/advice/spending.ts";
import type { JiraConnection, ServiceNowConnection } from "../../core/config/settings.ts";
import { startIntake } from "../../core/intake/intake.ts";
import { Limits } from "../../core/limits.ts";
import type { Store } from "../../core/store/store.ts";
import type { Swept } from "../../core/sweep/schedule.ts";
import { createApp, createHttpServer } from "../../routes/app.ts";
import { createMetrics, type Metrics } from "../../routes/meter.ts";
import { policyOf } from "../core/support/policies.ts";
import { type Answer, send } from "./client.ts";
import { type RecordingLog, recordingLog } from "./recording-log.ts";

export const SNOW_SECRET = `whsec_${Buffer.from("a secret of thirty-two characters").toString("base64")}`;
export const JIRA_SECRET = "It's a Secret to Everybody";
export const ADMIN_TOKEN = "admin-token-for-tests";

const NO_SPENDING: Spending = { enabled: false, currency: null, hour: "", day: "", lines: [], demoted: [] };

export interface IngressOptions {
  snow?: Pick<ServiceNowConnection, "webhookSecrets" | "webhookAuth">;
  jira?: Pick<JiraConnection, "webhookSecrets" | "webhookAuth">;
  /** Jira projects that have a mapping. */
  projects?: readonly string[];
  /** Stands between the routes and the real store. */
  store?: (real: Store) => Store;
  /** What sweeps ask; they run when told to, and once at the start. */
  swept?: ReadonlyMap<string, Swept>;
  spending?: () => Promise<Spending>;
  /** null: none is set. */
  adminToken?: string | null;
}

export interface Ingress {
  url: string;
  store: Store;
  log: RecordingLog;
  metrics: Metrics;
  http: Server;
  sweeping: Sweeping;
  /** How often the loop was told that something is due. */
  woken(): number;
  /** Posts to `/webhooks/<connection>`. */
  deliver(connection: string, headers: Record<string, string | string[]>, body: string | Buffer): Promise<Answer>;
  close(): Promise<void>;
}

/** Listens on loopback until closed. */
export async function startIngress(options: IngressOptions = {}): Promise<Ingress> {
  const folder = mkdtempSync(join(tmpdir(), "interlock-ingress-"));
  const log = recordingLog();
  const real = await openStoreUrl(`file:${join(folder, "interlock.db")}`, systemClock, log);
  const store = options.store?.(real) ?? real;
  const limits = Limits.parse({ settleMs: 0 });
  const metrics = createMetrics(
    () => store,
    () => identityGauges(sweeping),
  );
  let woken = 0;
  const wake = (): void => {
    woken += 1;
  };
  const intake = startIntake(store, limits, wake);
  const sweeping = openSweeping(options.swept ?? new Map(), {
    ...{ store, limits, clock: systemClock, rng: systemRng, log, meter: metrics, wake },
  });
  const operating = openOperating({
    ...{ store, limits, clock: systemClock, ids: systemIds, log, desks: () => new Map(), wake },
    ...{ configured: () => "act", unlowered: () => "act", policy: () => policyOf([]) },
  });
  const app = createApp({
    ...{ revokes: operating.revokes, modes: operating.modes },
    refused: () => 0,
    sources: sourcesOf(options),
    intake,
    store,
    limits,
    clock: systemClock,
    log,
    meter: metrics,
    metrics,
    adminToken: options.adminToken === null ? undefined : (options.adminToken ?? ADMIN_TOKEN),
    wake,
    sweeps: sweeping.api,
    spending: options.spending ?? (async () => NO_SPENDING),
  });
  const http = createHttpServer(app);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo; // a TCP server that listens has an AddressInfo
  const url = `http://127.0.0.1:${port}`;
  if (options.swept) {
    await sweeping.checkIdentities();
    sweeping.start();
  }
  return {
    url,
    store: real,
    log,
    metrics,
    http,
    sweeping,
    woken: () => woken,
    deliver: (connection, headers, body) =>
      send(`${url}/webhooks/${connection}`, { method: "POST", headers, body: Buffer.from(body) }),
    async close() {
      const closed = new Promise((resolve) => http.close(resolve));
      http.closeAllConnections();
      await closed;
      await intake.close();
      await sweeping.stop();
      await real.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function sourcesOf({ snow, jira, projects = ["OPS", "CHG"] }: IngressOptions) {
  const shared = { baseUrl: "https://acme.example.com", allowPrivateAddress: false, automation: [] };
  const snowSource = servicenowWebhooks({
    ...shared,
    type: "servicenow",
    auth: { type: "basic", username: "u", password: "p" },
    records: { incident: "servicenow.incident", change_request: "servicenow.change" },
    ...(snow ?? { webhookSecrets: [SNOW_SECRET] }),
  });
  const jiraSource = jiraWebhooks({
    ...shared,
    type: "jira",
    auth: { type: "bearer", token: "t" },
    records: Object.fromEntries(projects.map((project) => [project, "jira.incident"])),
    ...(jira ?? { webhookSecrets: [JIRA_SECRET] }),
  });
  return new Map([
    ["snow", snowSource],
    ["jira", jiraSource],
  ]);
}

/** The headers of ServiceNow's business rule. */
export function snowHeaders(
  body: string | Buffer,
  { id = "msg_1", atMs = Date.now(), secret = SNOW_SECRET }: { id?: string; atMs?: number; secret?: string } = {},
): Record<string, string> {
  const at = new Date(atMs);
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(atMs / 1_000)),
    "webhook-signature": new Webhook(secret).sign(id, at, body),
  };
}

/** The headers of a Jira admin webhook. */
export function jiraHeaders(
  body: string | Buffer,
  { id = "delivery-1", secret = JIRA_SECRET }: { id?: string; secret?: string } = {},
): Record<string, string> {
  return { "x-atlassian-webhook-identifier": id, "x-hub-signature": `sha256=${hmac(body, secret)}` };
}

export function hmac(body: string | Buffer, secret: string, algorithm = "sha256"): string {
  return createHmac(algorithm, secret).update(body).digest("hex");
}
