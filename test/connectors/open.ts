/** Opens a connector over a simulator, with a clock that stands still until a test moves it. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "chai";
import { jiraConnector } from "../../connectors/jira/connector.ts";
import { servicenowConnector } from "../../connectors/servicenow/connector.ts";
import type { Clock } from "../../core/clock.ts";
import type { JiraConnection, ServiceNowConnection } from "../../core/config/settings.ts";
import { ConnectorError, FAULT_KINDS, type FaultKind } from "../../core/errors.ts";
import { Limits } from "../../core/limits.ts";
import type { Archive, ChangeFeed, Connector, FieldWrite, VendorPatch, Write } from "../../core/ports.ts";
import { recordingLog } from "../routes/recording-log.ts";
import type { JiraSim } from "../sim/jira.ts";
import type { ServiceNowSim } from "../sim/servicenow.ts";
import { watchSent } from "./jira/sent.ts";

/** No call of a test takes so long, however busy the machine is. */
export const CALL_TIMEOUT_MS = 10_000;
/** For the tests of what is never answered. */
export const IMPATIENT_MS = 150;

/** Time that passes only when told to. */
export interface StandingClock extends Clock {
  pass(ms: number): void;
}

export function standingClock(startMs = Date.UTC(2026, 0, 31, 10, 0, 0)): StandingClock {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    sleep: async () => {},
    pass(ms) {
      nowMs += ms;
    },
  };
}

export interface Opened {
  connector: Connector;
  clock: StandingClock;
  /** Operations that were counted as calls, in order. */
  calls: string[];
  log: ReturnType<typeof recordingLog>;
}

export interface OpenedServiceNow extends Opened {
  connector: Connector & ChangeFeed & Archive;
}

export interface OpenedJira extends Opened {
  connector: ReturnType<typeof jiraConnector>;
}

export interface OpenOptions {
  baseUrl?: string;
  limits?: Record<string, number>;
  clock?: StandingClock;
  /** A list that a test may change while the connector runs. */
  fields?: readonly string[];
}

function parts(options: OpenOptions) {
  const calls: string[] = [];
  const meter = {
    count: (_name: string, labels?: Record<string, string>) => void calls.push(labels?.["operation"] ?? ""),
  };
  const limits = Limits.parse({ callTimeoutMs: CALL_TIMEOUT_MS, staleReadMs: 2_000, ...options.limits });
  return { calls, meter, limits, clock: options.clock ?? standingClock(), log: recordingLog() };
}

export function openServiceNow(
  sim: ServiceNowSim,
  options: OpenOptions & { auth?: ServiceNowConnection["auth"] } = {},
): OpenedServiceNow {
  const { calls, meter, limits, clock, log } = parts(options);
  const basic = { type: "basic", username: sim.integration.user, password: sim.integration.password } as const;
  const settings: ServiceNowConnection = {
    type: "servicenow",
    baseUrl: options.baseUrl ?? sim.url,
    allowPrivateAddress: true,
    auth: options.auth ?? basic,
    records: { incident: "servicenow.incident" },
    automation: [],
  };
  const usual = ["short_description", "assignment_group.name", "state"];
  const fields = () => new Map([["incident", options.fields ?? usual]]);
  const connector = servicenowConnector({ connection: "snow", settings, limits, clock, meter, fields });
  return { connector, clock, calls, log };
}

/** Needs the dispatcher that `installDispatcher` puts in place. */
export function openJira(
  sim: JiraSim,
  options: OpenOptions & { apiToken?: string; settings?: Partial<JiraConnection> } = {},
): OpenedJira {
  const { calls, meter, limits, clock, log } = parts(options);
  const { email, apiToken } = sim.integration;
  const settings: JiraConnection = {
    type: "jira",
    deployment: "cloud",
    baseUrl: options.baseUrl ?? sim.url,
    allowPrivateAddress: true,
    auth: { type: "basic", email, apiToken: options.apiToken ?? apiToken },
    records: { OPS: "jira.incident" },
    automation: [],
    ...options.settings,
  };
  const usual = ["summary", "description", "status.name", "customfield_10101", "assignee"];
  const fields = () => options.fields ?? usual;
  const opened = jiraConnector({ connection: "jira", settings, fields, limits, clock, meter, log });
  const settle = watchSent();
  const connector = { ...opened, close: () => opened.close().finally(settle) };
  return { connector, clock, calls, log };
}

/** Has the connector read an issue of each project, all of one type, and leaves no trace of the call. */
export async function learnProjects(
  sim: JiraSim,
  { connector, calls }: OpenedJira,
  keys: readonly string[],
  projectTypeKey = "software",
): Promise<void> {
  const ids = keys.map((_, n) => String(n + 1));
  const issues = keys.map((key, n) => ({ id: ids[n], key: `${key}-1`, fields: { project: { key, projectTypeKey } } }));
  sim.faults.add({ path: /bulkfetch/, kind: "status", status: 200, body: { issues, issueErrors: [] } });
  await connector.read("issue", ids);
  sim.requests.length = 0;
  calls.length = 0;
}

export interface PlannedWrite {
  type: string;
  recordType: string;
  id: string;
  key?: string;
  revision?: string;
  /** By action id. */
  fields?: Record<string, VendorPatch>;
  note?: string;
}

/** A write that was read just now, unless its test says otherwise. */
export function writeOf(clock: Clock, connection: string, planned: PlannedWrite): Write {
  const fields = Object.entries(planned.fields ?? {}).map(
    ([actionId, patch]): FieldWrite => ({ actionId, field: "assignmentGroup", after: "", patch, seen: {} }),
  );
  const { type, recordType, id, key = "KEY-1", revision = "0", note } = planned;
  const ref = { connection, type, id, key };
  const write: Write = { ref, recordType, revision, readAtMs: clock.now(), fields };
  return note === undefined ? write : { ...write, note: { actionId: "note", marker: "[il:note]", text: note } };
}

/** The fault that a call ends with; fails the test when it succeeds or throws anything else. */
export async function faultOf(call: Promise<unknown>): Promise<ConnectorError> {
  let answer: unknown;
  try {
    answer = await call;
  } catch (error) {
    if (error instanceof ConnectorError) return error;
    throw error;
  }
  return expect.fail(`the call succeeded with ${JSON.stringify(answer)}`);
}

/** Fails when a kind of fault has no case, so that a new kind cannot come in untested. */
export function expectEveryKind(kinds: readonly FaultKind[]): void {
  expect([...new Set(kinds)]).to.have.members([...FAULT_KINDS]);
}

/** Starts a server of the test's own on loopback. Answers its address. */
export async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo; // a TCP server that listens has an AddressInfo
  return `http://127.0.0.1:${port}`;
}

/** An address at which nobody listens. */
export async function closedPort(): Promise<string> {
  const server = createServer();
  const url = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return url;
}
