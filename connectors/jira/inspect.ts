import { createClient } from "jira.js/core";
import type { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import type { JiraConnection } from "../../core/config/settings.ts";
import { deadToken, jiraFault, oddAnswer } from "./faults.ts";
import { recorded } from "./http.ts";

/** A call of a route. The methods of jira.js are for the Cloud, and have none for webhooks of administrators. */
export interface PlainCall {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** From the root of the site. */
  url: string;
  searchParams?: Readonly<Record<string, unknown>>;
  body?: Record<string, unknown>;
}

/** What the administrative commands ask of a site. Needs the dispatcher that `installDispatcher` puts in place. */
export interface JiraInspection {
  readonly deployment: JiraConnection["deployment"];
  /** One question, through jira.js's own transport. Throws a ConnectorError for everything but an answer of that form. */
  call<T>(operation: string, schema: z.ZodType<T>, call: PlainCall): Promise<T>;
}

export function jiraInspection(connection: string, settings: JiraConnection, clock: Clock): JiraInspection {
  // Its own checks of an answer are not ours to repeat: each question says what it needs.
  const client = createClient({ host: settings.baseUrl, auth: settings.auth, onSchemaMismatch: "silent" });
  return {
    deployment: settings.deployment,
    async call(operation, schema, call) {
      const outcome = await recorded(() => client.sendRequest<unknown>(call), settings.allowPrivateAddress);
      const { record } = outcome;
      if ("error" in outcome) throw jiraFault(outcome.error, { connection, operation, record, nowMs: clock.now() });
      if (record.authenticationFailed) throw deadToken(connection, record);
      const answer = schema.safeParse(outcome.value);
      if (answer.success) return answer.data;
      throw oddAnswer(connection, operation, record);
    },
  };
}
