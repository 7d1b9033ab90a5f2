/** Opens the parts beside the connector over a simulator, through the same machinery as the connector itself. */
import { JiraApi } from "../../../connectors/jira/api.ts";
import { type CloudParts, cloudParts } from "../../../connectors/jira/cloud-parts.ts";
import { IssuePace } from "../../../connectors/jira/pace.ts";
import type { JiraConnection } from "../../../core/config/settings.ts";
import { Limits } from "../../../core/limits.ts";
import type { Meter } from "../../../core/ports.ts";
import { recordingLog } from "../../routes/recording-log.ts";
import type { JiraSim } from "../../sim/jira.ts";
import { CALL_TIMEOUT_MS, standingClock } from "../open.ts";
import { watchSent } from "./sent.ts";

export interface OpenedParts {
  parts: CloudParts;
  /** Operations that were counted as calls, in order. */
  calls: string[];
  close(): Promise<void>;
}

/** Needs the dispatcher that `installDispatcher` puts in place. */
export function openParts(sim: JiraSim, options: { baseUrl?: string; approvalStatuses?: string[] } = {}): OpenedParts {
  const clock = standingClock();
  const log = recordingLog();
  const calls: string[] = [];
  const meter: Meter = {
    count: (_name, labels?: Readonly<Record<string, string | undefined>>) =>
      void calls.push(labels?.["operation"] ?? ""),
  };
  const { email, apiToken } = sim.integration;
  const settings: JiraConnection = {
    type: "jira",
    deployment: "cloud",
    baseUrl: options.baseUrl ?? sim.url,
    allowPrivateAddress: true,
    auth: { type: "basic", email, apiToken },
    records: { OPS: "jira.incident" },
    automation: [],
  };
  const limits = Limits.parse({ callTimeoutMs: CALL_TIMEOUT_MS });
  const api = new JiraApi({ connection: "jira", settings, limits, clock, meter, log });
  const parts = cloudParts({
    config: { host: settings.baseUrl, auth: { type: "basic", email, apiToken }, onSchemaMismatch: "silent" },
    caller: api,
    pace: new IssuePace("jira", clock),
    approvalStatuses: new Set(options.approvalStatuses ?? ["Awaiting approval"]),
  });
  const settle = watchSent();
  return { parts, calls, close: () => api.close().finally(settle) };
}
