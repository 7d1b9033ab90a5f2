/** The client of a ServiceNow connection by itself, for the tests of what is built on it. */
import { type ServiceNowClient, servicenowClient } from "../../../connectors/servicenow/client.ts";
import type { ServiceNowConnection } from "../../../core/config/settings.ts";
import { Limits } from "../../../core/limits.ts";
import type { ServiceNowSim } from "../../sim/servicenow.ts";
import { CALL_TIMEOUT_MS, type StandingClock, standingClock } from "../open.ts";

export interface BareClient {
  connection: string;
  client: ServiceNowClient;
  /** Its sleeps pass at once, and move it on. */
  clock: StandingClock;
}

export function bareClient(sim: ServiceNowSim, clock: StandingClock): BareClient {
  const { user: username, password } = sim.integration;
  const settings: ServiceNowConnection = {
    type: "servicenow",
    baseUrl: sim.url,
    allowPrivateAddress: true,
    auth: { type: "basic", username, password },
    records: {},
    automation: [],
  };
  const limits = Limits.parse({ callTimeoutMs: CALL_TIMEOUT_MS });
  const client = servicenowClient({ connection: "snow", settings, limits, clock, meter: { count: () => {} } });
  return { connection: "snow", client, clock };
}

/** A clock that moves by what is slept on it, so that the simulator it is shared with gets on. */
export function sleepingClock(): StandingClock {
  const clock = standingClock();
  return { ...clock, sleep: async (ms) => clock.pass(ms) };
}
