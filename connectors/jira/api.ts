import type { ClientConfig } from "jira.js/core";
import type { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import type { JiraConnection } from "../../core/config/settings.ts";
import type { Limits } from "../../core/limits.ts";
import type { Log, Meter } from "../../core/ports.ts";
import { type Calls, callGate, type MayWrite } from "../calls.ts";
import { cloudRoutes } from "./cloud.ts";
import { datacenterRoutes } from "./datacenter.ts";
import { deadToken, jiraFault, oddAnswer } from "./faults.ts";
import { recorded } from "./http.ts";
import type { JiraRoutes } from "./routes.ts";
import { mismatchLog } from "./shape.ts";

/** The statuses that mean a call that writes did what it should; for every other call it is 200. */
const DONE: Readonly<Record<string, readonly number[]>> = { write: [204], note: [201], move: [204], link: [200, 201] };

export interface JiraApiOptions {
  connection: string;
  settings: JiraConnection;
  limits: Limits;
  clock: Clock;
  meter: Meter;
  log: Log;
  mayWrite?: MayWrite;
}

/** Every call to one Jira site: in its turn, bounded, its answer checked, its faults classified. */
export class JiraApi {
  readonly connection: string;
  readonly routes: JiraRoutes;
  /** What jira.js is opened with, for parts of it that the routes do not have. */
  readonly config: ClientConfig;
  readonly #options: JiraApiOptions;
  readonly #calls: Calls;

  constructor(options: JiraApiOptions) {
    const { connection, settings, limits, log } = options;
    this.connection = connection;
    this.#options = options;
    this.#calls = callGate(connection, limits, options, (operation) => operation);
    this.config = { host: settings.baseUrl, auth: settings.auth, onSchemaMismatch: mismatchLog(connection, log) };
    this.routes = settings.deployment === "datacenter" ? datacenterRoutes(this.config) : cloudRoutes(this.config);
  }

  /** The answer of one call. Throws a ConnectorError for everything that is not the success that was asked for. */
  async send<T>(operation: string, work: (routes: JiraRoutes) => Promise<T>): Promise<T> {
    return this.#calls.run(operation, () => this.#once(operation, work), Object.hasOwn(DONE, operation));
  }

  /** The same, for an answer of a known form. */
  async ask<T>(operation: string, schema: z.ZodType<T>, work: (routes: JiraRoutes) => Promise<unknown>): Promise<T> {
    const answer = schema.safeParse(await this.send(operation, work));
    if (answer.success) return answer.data;
    throw oddAnswer(this.connection, operation);
  }

  async #once<T>(operation: string, work: (routes: JiraRoutes) => Promise<T>): Promise<T> {
    const { connection } = this;
    const { settings, clock } = this.#options;
    const outcome = await recorded(() => work(this.routes), settings.allowPrivateAddress);
    const { record } = outcome;
    if ("error" in outcome) throw jiraFault(outcome.error, { connection, operation, record, nowMs: clock.now() });
    if (record.authenticationFailed) throw deadToken(connection, record);
    if (record.status === undefined || !(DONE[operation] ?? [200]).includes(record.status))
      throw oddAnswer(connection, operation, record);
    return outcome.value;
  }

  close(): Promise<void> {
    return this.#calls.close();
  }
}
