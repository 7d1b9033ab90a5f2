/** The `interlock.yaml` of tests, demo and benchmarks: both simulators on loopback. */
import { AI_KEY } from "../sim/ai.ts";

export const SNOW_SECRET = `whsec_${Buffer.from("a secret of thirty-two characters").toString("base64")}`;
export const JIRA_SECRET = "It's a Secret to Everybody";
/** The simulators' integration accounts. */
export const SNOW_USER = "interlock.bot";
export const JIRA_EMAIL = "interlock@example.com";

export const SECRETS = {
  "snow-password": "interlock-password",
  "snow-webhook": SNOW_SECRET,
  "jira-token": "interlock-token",
  "jira-webhook": JIRA_SECRET,
  "ai-key": AI_KEY,
} as const;

/** In the workflows of the simulator. */
const APPROVED_BY_STATUS = {
  ...{ type: "status", status: "Awaiting approval", approve: ["Scheduled", "In Progress"], decline: ["Declined"] },
};

export interface SettingsOptions {
  snowUrl: string;
  jiraUrl: string;
  /** A `store:` URL. */
  store: string;
  host?: string;
  port?: number;
  mode?: "observe" | "suggest" | "act";
  logLevel?: "error" | "warn" | "info" | "debug";
  limits?: Record<string, number>;
  /** `ai:`; AI is off where it is absent. */
  ai?: Record<string, unknown> | undefined;
  /** `approvals:` of Jira; by the status of its workflow where it is absent. */
  jiraApprovals?: Record<string, unknown> | undefined;
  /** How a secret is referred to: it may not stand in the file itself. */
  secret: (name: keyof typeof SECRETS) => string;
}

export function settingsFor(options: SettingsOptions): Record<string, unknown> {
  const { secret } = options;
  return {
    listen: { host: options.host ?? "127.0.0.1", port: options.port ?? 0 },
    store: options.store,
    mode: options.mode ?? "act",
    logLevel: options.logLevel ?? "error",
    limits: options.limits ?? {},
    ...(options.ai && { ai: options.ai }),
    connections: {
      snow: {
        type: "servicenow",
        baseUrl: options.snowUrl,
        allowPrivateAddress: true,
        auth: { type: "basic", username: SNOW_USER, password: secret("snow-password") },
        webhookSecrets: [secret("snow-webhook")],
        records: {
          incident: "servicenow.incident",
          change_request: "servicenow.change",
          sc_req_item: "servicenow.request",
        },
      },
      jira: {
        type: "jira",
        baseUrl: options.jiraUrl,
        allowPrivateAddress: true,
        auth: { type: "basic", email: JIRA_EMAIL, apiToken: secret("jira-token") },
        approvals: options.jiraApprovals ?? APPROVED_BY_STATUS,
        webhookSecrets: [secret("jira-webhook")],
        records: { OPS: "jira.incident", CHG: "jira.change" },
      },
    },
  };
}
