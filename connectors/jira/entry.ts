import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import type { JiraConnection } from "../../core/config/settings.ts";
import { ConnectorError } from "../../core/errors.ts";
import type { Finding } from "../finding.ts";
import { probe } from "../probe.ts";
import type { JiraInspection } from "./inspect.ts";
import { get } from "./site.ts";

const Myself = z.looseObject({ displayName: z.string().optional(), timeZone: z.string().optional() });

export interface Entrance {
  connection: string;
  settings: JiraConnection;
  /** Asks as the sidecar does. */
  jira: JiraInspection;
  callTimeoutMs: number;
  clock: Clock;
}

/**
 * Whether a site answers and lets the account in, with the account's time zone. Without an account nothing else can be
 * looked at, and the last finding says why. Needs the dispatcher that `installDispatcher` puts in place.
 */
export async function enterJira(entrance: Entrance): Promise<{ findings: Finding[]; account?: { timeZone: string } }> {
  const { connection, settings, jira, clock, callTimeoutMs: timeoutMs } = entrance;
  const { baseUrl, allowPrivateAddress, deployment } = settings;
  const path = `/rest/api/${deployment === "cloud" ? 3 : 2}/serverInfo`;
  const { reached, findings } = await probe({ baseUrl, path, allowPrivateAddress, timeoutMs, clock });
  if (!reached) return { findings };
  try {
    const { timeZone = "" } = await get(jira, Myself, "/myself");
    return { findings, account: { timeZone } };
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const fix = "Make a new API token for the account and set it in auth of the connection";
    return {
      findings: [...findings, { severity: "error", check: "login", where: connection, what: error.message, fix }],
    };
  }
}
