import type { createServiceDeskClient } from "jira.js";
import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import type { NativeApproval } from "../../core/ports.ts";
import { type IssueRef, issueIdOf, type JiraCaller, reworded } from "./caller.ts";
import { oddAnswer } from "./faults.ts";

const PAGE_SIZE = 50;
const PAGES_MAX = 10;
const APPROVERS_MAX = 500;
const FIELDS_MAX = 500;
const CYCLES_MAX = 500;

const Instant = z.looseObject({ epochMillis: z.int() });
const Duration = z.looseObject({ millis: z.int() });
const Account = z.looseObject({ accountId: z.string().min(1) });

const Request = z.looseObject({
  issueId: z.string().min(1),
  issueKey: z.string().min(1),
  requestTypeId: z.string().min(1),
  serviceDeskId: z.string().min(1),
  createdDate: Instant,
  reporter: Account.nullish(),
  currentStatus: z.looseObject({ status: z.string(), statusDate: Instant }),
  requestFieldValues: z.array(z.looseObject({ fieldId: z.string(), value: z.unknown() })).max(FIELDS_MAX),
});

const Approval = z.looseObject({
  id: z.coerce.string().min(1),
  finalDecision: z.string(),
  createdDate: Instant,
  completedDate: Instant.nullish(),
  approvers: z.array(z.looseObject({ approver: Account, approverDecision: z.string() })).max(APPROVERS_MAX),
});
type Approval = z.infer<typeof Approval>;

const Cycle = z.looseObject({
  startTime: Instant,
  stopTime: Instant.nullish(),
  breachTime: Instant.nullish(),
  breached: z.boolean(),
  paused: z.boolean().nullish(),
  withinCalendarHours: z.boolean().nullish(),
  goalDuration: Duration,
  elapsedTime: Duration,
  remainingTime: Duration,
});
const Sla = z.looseObject({
  id: z.coerce.string().min(1),
  name: z.string(),
  completedCycles: z.array(Cycle).max(CYCLES_MAX).nullish(),
  ongoingCycle: Cycle.nullish(),
});

/** A page of a list; without its own word on whether it is the last, it is no answer. */
const Page = z.looseObject({
  start: z.int().nonnegative(),
  isLastPage: z.boolean(),
  values: z.array(z.unknown()).max(PAGE_SIZE),
});

/** A customer's request as the service desk has it. `fields` may hold ticket text: read when needed, never stored. */
export interface ServiceRequest {
  id: string;
  key: string;
  requestTypeId: string;
  serviceDeskId: string;
  createdAtMs: number;
  reporterId: string | null;
  status: string;
  statusAtMs: number;
  /** By field id; hidden fields are not among them. */
  fields: ReadonlyMap<string, unknown>;
}

/** One approver of one approval. Each time an issue enters its approval status a new approval begins. */
export interface RequestApproval extends NativeApproval {
  /** Shared by the approvers that were asked together. */
  approvalId: string;
  askedAtMs: number;
}

/** One run of an SLA's clock, in ms; `remainingMs` is negative once it is breached. */
export interface SlaCycle {
  startAtMs: number;
  /** Null while it runs. */
  stopAtMs: number | null;
  /** Null where Jira cannot foresee it, as while the clock is paused. */
  breachAtMs: number | null;
  breached: boolean;
  paused: boolean;
  goalMs: number;
  elapsedMs: number;
  remainingMs: number;
}

export interface SlaClock {
  id: string;
  name: string;
  completed: SlaCycle[];
  ongoing: SlaCycle | null;
}

type RequestClient = ReturnType<typeof createServiceDeskClient>["request"];

export interface ServiceDeskOptions {
  caller: JiraCaller;
  /** Reads, and nothing else: whoever wires this cannot hand over a way to answer an approval. */
  requests: Pick<RequestClient, "getCustomerRequestByIdOrKey" | "getApprovals" | "getSlaInformation">;
}

/** The request behind an issue. Throws ConnectorError; `not_found` also for an issue that is no request. */
export async function readRequest(options: ServiceDeskOptions, ref: IssueRef): Promise<ServiceRequest> {
  const { caller, requests } = options;
  const issueIdOrKey = issueIdOf(caller.connection, ref);
  const request = await asAgent(caller, ref, () =>
    caller.ask("read_request", Request, () => requests.getCustomerRequestByIdOrKey({ issueIdOrKey })),
  );
  return {
    id: request.issueId,
    key: request.issueKey,
    requestTypeId: request.requestTypeId,
    serviceDeskId: request.serviceDeskId,
    createdAtMs: request.createdDate.epochMillis,
    reporterId: request.reporter?.accountId ?? null,
    status: request.currentStatus.status,
    statusAtMs: request.currentStatus.statusDate.epochMillis,
    fields: new Map(request.requestFieldValues.map(({ fieldId, value }) => [fieldId, value])),
  };
}

/**
 * Every approver of every approval of a request, those of earlier rounds too. Throws ConnectorError; `protocol` for more
 * than can be read, since a list that was cut could hide a refusal.
 */
export async function readApprovals(options: ServiceDeskOptions, ref: IssueRef): Promise<RequestApproval[]> {
  const { caller, requests } = options;
  const approvals = await readPages(caller, ref, { operation: "read_approvals", entry: Approval }, (page) =>
    requests.getApprovals(page),
  );
  return approvals.flatMap(answersOf);
}

/** The SLA clocks of a request, each with its cycles. Throws ConnectorError; our account must be an agent to see them. */
export async function readSlas(options: ServiceDeskOptions, ref: IssueRef): Promise<SlaClock[]> {
  const { caller, requests } = options;
  const slas = await readPages(caller, ref, { operation: "read_sla", entry: Sla }, (page) =>
    requests.getSlaInformation(page),
  );
  return slas.map(({ id, name, completedCycles, ongoingCycle }) => ({
    id,
    name,
    completed: (completedCycles ?? []).map(cycleOf),
    ongoing: ongoingCycle ? cycleOf(ongoingCycle) : null,
  }));
}

async function readPages<T>(
  caller: JiraCaller,
  ref: IssueRef,
  { operation, entry }: { operation: string; entry: z.ZodType<T> },
  ask: (page: { issueIdOrKey: string; start: number; limit: number }) => Promise<unknown>,
): Promise<T[]> {
  const issueIdOrKey = issueIdOf(caller.connection, ref);
  const all: T[] = [];
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const start = all.length;
    const answer = await asAgent(caller, ref, () =>
      caller.ask(operation, Page, () => ask({ issueIdOrKey, start, limit: PAGE_SIZE })),
    );
    const entries = z.array(entry).safeParse(answer.values);
    if (!entries.success) throw oddAnswer(caller.connection, operation);
    if (answer.start !== start || (entries.data.length === 0 && !answer.isLastPage))
      throw stuck(caller, ref, "gave a page that does not lead on");
    all.push(...entries.data);
    if (answer.isLastPage) return all;
  }
  throw stuck(caller, ref, `has more than ${PAGE_SIZE * PAGES_MAX} entries`);
}

function answersOf({
  id: approvalId,
  finalDecision,
  createdDate,
  completedDate,
  approvers,
}: Approval): RequestApproval[] {
  const answered = approvers.filter(({ approverDecision }) => approverDecision !== "pending");
  // Jira dates the approval as a whole, by its last answer: with several it does not say which of them that was.
  const atMs = answered.length === 1 && finalDecision !== "pending" ? (completedDate?.epochMillis ?? null) : null;
  return approvers.map(({ approver: { accountId }, approverDecision }) => {
    const state = stateOf(approverDecision, finalDecision);
    const decided = state === "approved" || state === "rejected";
    return {
      id: `${approvalId}:${accountId}`,
      approvalId,
      askedAtMs: createdDate.epochMillis,
      approverId: accountId,
      state,
      // Only the one who was asked can answer, as himself.
      answeredBy: decided ? accountId : null,
      answeredAtMs: decided ? atMs : null,
    };
  });
}

/** What the vendor may call it one day is `other`: nobody's consent. */
function stateOf(decision: string, finalDecision: string): NativeApproval["state"] {
  if (decision === "approved") return "approved";
  if (decision === "declined") return "rejected";
  if (decision !== "pending") return "other";
  if (finalDecision === "pending") return "requested";
  return finalDecision === "approved" || finalDecision === "declined" ? "cancelled" : "other";
}

function cycleOf(cycle: z.infer<typeof Cycle>): SlaCycle {
  return {
    startAtMs: cycle.startTime.epochMillis,
    stopAtMs: cycle.stopTime?.epochMillis ?? null,
    breachAtMs: cycle.breachTime?.epochMillis ?? null,
    breached: cycle.breached,
    paused: cycle.paused ?? false,
    goalMs: cycle.goalDuration.millis,
    elapsedMs: cycle.elapsedTime.millis,
    remainingMs: cycle.remainingTime.millis,
  };
}

/** The same words for a request that is hidden, a plain issue and a missing right: Jira does not tell them apart. */
async function asAgent<T>({ connection }: JiraCaller, { key }: IssueRef, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof ConnectorError) || (error.status !== 403 && error.status !== 404)) throw error;
    const message = `${key} of ${connection} cannot be read as a service request: either it is none, or the integration account is no agent of its service desk`;
    throw reworded(error, message);
  }
}

function stuck({ connection }: JiraCaller, { key }: IssueRef, what: string): ConnectorError {
  const message = `a list of ${key} in ${connection} ${what}; nothing was concluded from it`;
  return new ConnectorError({ kind: "protocol", connection, message });
}
