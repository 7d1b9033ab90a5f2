import type { Clock } from "../../core/clock.ts";
import type { ServiceNowConnection } from "../../core/config/settings.ts";
import { ConnectorError } from "../../core/errors.ts";
import type { Finding } from "../finding.ts";
import { probe } from "../probe.ts";
import type { Account, Inspection } from "./inspect.ts";

export interface Entrance {
  connection: string;
  settings: ServiceNowConnection;
  /** Asks as the sidecar does. */
  ours: Inspection;
  callTimeoutMs: number;
  clock: Clock;
}

/** Whether an instance answers and lets the account in. Without an account nothing else can be looked at, and the last finding says why. */
export async function enterServiceNow(entrance: Entrance): Promise<{ findings: Finding[]; account?: Account }> {
  const { connection, settings, ours, clock, callTimeoutMs: timeoutMs } = entrance;
  const { baseUrl, allowPrivateAddress } = settings;
  const path = "/api/now/table/sys_user?sysparm_limit=1";
  const { reached, findings } = await probe({ baseUrl, path, allowPrivateAddress, timeoutMs, clock });
  if (!reached) return { findings };
  try {
    return { findings, account: await ours.account() };
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const fix = "Correct auth of the connection, and see that its user is active and not locked out";
    return {
      findings: [...findings, { severity: "error", check: "login", where: connection, what: error.message, fix }],
    };
  }
}
