import { createCloudClient } from "jira.js";
import { createClient } from "jira.js/core";
import type { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import type { JiraConnection } from "../../core/config/settings.ts";
import { deadToken, jiraFault, oddAnswer } from "./faults.ts";
import { recorded } from "./http.ts";

type CloudClient = ReturnType<typeof createCloudClient>;

/** A call of a route that jira.js has no method for. */
export interface PlainCall {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** From the root of the site. */
  url: string;
  body?: Record<string, unknown>;
}

/** What the administrative commands ask of a site. Needs the dispatcher that `installDispatcher` puts in place. */
export interface JiraInspection {
  /** One question. Throws a ConnectorError for everything but an answer of that form. */
  ask<T>(operation: string, schema: z.ZodType<T>, work: (jira: CloudClient) => Promise<unknown>): Promise<T>;
  /** The same for a route that jira.js has no method for, through its own transport all the same. */
  call<T>(operation: string, schema: z.ZodType<T>, call: PlainCall): Promise<T>;
}

export function jiraInspection(connection: string, settings: JiraConnection, clock: Clock): JiraInspection {
  // Its own checks of an answer are not ours to repeat: each question says what it needs.
  const client = createClient({ host: settings.baseUrl, auth: settings.auth, onSchemaMismatch: "silent" });
  const jira = createCloudClient(client);

  async function ask<T>(operation: string, schema: z.ZodType<T>, work: () => Promise<unknown>): Promise<T> {
    const outcome = await recorded(work, settings.allowPrivateAddress);
    const { record } = outcome;
    if ("error" in outcome) throw jiraFault(outcome.error, { connection, operation, record, nowMs: clock.now() });
    if (record.authenticationFailed) throw deadToken(connection, record);
    const answer = schema.safeParse(outcome.value);
    if (answer.success) return answer.data;
    throw oddAnswer(connection, operation, record);
  }

  return {
    ask: (operation, schema, work) => ask(operation, schema, () => work(jira)),
    call: (operation, schema, call) => ask(operation, schema, () => client.sendRequest<unknown>(call)),
  };
}
