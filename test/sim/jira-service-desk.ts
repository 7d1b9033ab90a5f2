/** The service desk's own API: requests, their approvals and their SLA clocks. People act in-process. */
import type { NextFunction, Request, RequestHandler, Response } from "express";
import express from "express";
import { JiraError } from "./jira-errors.ts";
import { visible } from "./jira-issue-routes.ts";
import { callerOf, param, readCount, readJson } from "./jira-request.ts";
import { jiraTime, showUser } from "./jira-site.ts";
import type { Issue, JiraStore } from "./jira-store.ts";
import { statusNamed } from "./jira-workflow.ts";

const PAGE_MAX = 50;
/** Names of the transitions that the two answers take. */
const AFTER = { approved: "Approve", declined: "Decline" } as const;
const PEOPLE = { version: 3, bareNames: true } as const;

export type Decision = "approved" | "declined" | "pending";

interface Approval {
  id: string;
  name: string;
  issue: Issue;
  needed: number;
  decisions: Map<string, Decision>;
  final: Decision;
  /** The issue has left the status without a decision: nobody can answer any more. */
  left: boolean;
  createdMs: number;
  completedMs: number | undefined;
}

interface Cycle {
  startMs: number;
  stopMs?: number;
  goalMs: number;
  paused: boolean;
}

interface Sla {
  id: string;
  name: string;
  cycles: Cycle[];
}

/** Where approvals begin by themselves. */
export interface StatusApproval {
  status: string;
  /** The field with the approvers. */
  field: string;
  /** How many must approve; all, where it is not said. */
  needed?: number;
}

/** What people do in a service desk: the same rules as the API, without HTTP. */
export interface ServiceDeskSim {
  /** Enters an approval: from here on the listed people may answer, each for himself. */
  ask(idOrKey: string, approval: { name: string; approvers: string[]; needed?: number }): { id: string };
  /** The approval of an issue that can be answered now; throws when there is none. */
  open(idOrKey: string): { id: string };
  /** Answers as one of the approvers; the last one that was needed moves the issue on. */
  answer(approvalId: string, decision: "approved" | "declined", by: { by: string }): void;
  startSla(idOrKey: string, sla: { name: string; goalMs: number }): void;
  /** Pauses, resumes or ends the running clock of that name. */
  turnSla(idOrKey: string, name: string, turn: "pause" | "resume" | "stop"): void;
}

export class ServiceDesk implements ServiceDeskSim {
  readonly #store: JiraStore;
  readonly #now: () => number;
  readonly #onStatus: StatusApproval | undefined;
  readonly #approvals = new Map<string, Approval>();
  readonly #slas = new WeakMap<Issue, Sla[]>();
  #ids = 0;

  constructor(store: JiraStore, now: () => number, onStatus?: StatusApproval) {
    this.#store = store;
    this.#now = now;
    this.#onStatus = onStatus;
  }

  /** Begins an approval where an issue of a service project enters its status, and ends it where the issue leaves undecided. */
  moved(issue: Issue, { from, to }: { from: string | null; to: string | null }): void {
    const on = this.#onStatus;
    if (on === undefined || this.#store.site.projects.get(issue.project)?.type !== "service_desk") return;
    if (from === on.status)
      for (const approval of this.approvalsOf(issue)) if (approval.final === "pending") approval.left = true;
    if (to !== on.status) return;
    const named = issue.values.get(on.field);
    const approvers = Array.isArray(named) ? named : [];
    this.ask(issue.id, { name: on.status, approvers, ...(on.needed !== undefined && { needed: on.needed }) });
  }

  ask(idOrKey: string, { name, approvers, needed }: { name: string; approvers: string[]; needed?: number }) {
    this.#ids += 1;
    const approval: Approval = {
      id: String(this.#ids),
      name,
      issue: this.#store.issue(idOrKey),
      needed: needed ?? approvers.length,
      decisions: new Map(approvers.map((approver) => [approver, "pending"])),
      final: "pending",
      left: false,
      createdMs: this.#now(),
      completedMs: undefined,
    };
    this.#approvals.set(approval.id, approval);
    return { id: approval.id };
  }

  open(idOrKey: string): { id: string } {
    const open = this.approvalsOf(this.#store.issue(idOrKey)).find(({ left, final }) => !left && final === "pending");
    if (open === undefined) throw new Error(`nobody is asked about ${idOrKey}`);
    return { id: open.id };
  }

  answer(approvalId: string, decision: "approved" | "declined", { by }: { by: string }): void {
    const approval = this.#approvals.get(approvalId);
    if (approval === undefined) throw new JiraError(404, ["The approval does not exist."]);
    if (approval.left || approval.final !== "pending" || approval.decisions.get(by) !== "pending")
      throw new JiraError(403, ["You are not allowed to answer this approval."]);
    approval.decisions.set(by, decision);
    const approved = [...approval.decisions.values()].filter((each) => each === "approved").length;
    if (decision === "approved" && approved < approval.needed) return;
    approval.final = decision;
    approval.completedMs = this.#now();
    const { issue } = approval;
    const leading = this.#store.transitions(issue).find((each) => each.name === AFTER[decision]);
    if (leading !== undefined) this.#store.transition(issue, leading.id, { fields: {}, by, dialect: PEOPLE });
  }

  startSla(idOrKey: string, { name, goalMs }: { name: string; goalMs: number }): void {
    const slas = this.slasOf(this.#store.issue(idOrKey));
    const sla = slas.find((candidate) => candidate.name === name) ?? { id: String(slas.length + 1), name, cycles: [] };
    if (!slas.includes(sla)) slas.push(sla);
    sla.cycles.push({ startMs: this.#now(), goalMs, paused: false });
  }

  turnSla(idOrKey: string, name: string, turn: "pause" | "resume" | "stop"): void {
    const sla = this.slasOf(this.#store.issue(idOrKey)).find((candidate) => candidate.name === name);
    const cycle = sla?.cycles.at(-1);
    if (cycle === undefined || cycle.stopMs !== undefined) throw new Error(`no clock "${name}" runs on ${idOrKey}`);
    if (turn === "stop") cycle.stopMs = this.#now();
    else cycle.paused = turn === "pause";
  }

  slasOf(issue: Issue): Sla[] {
    const slas = this.#slas.get(issue) ?? [];
    this.#slas.set(issue, slas);
    return slas;
  }

  approvalsOf(issue: Issue): Approval[] {
    return [...this.#approvals.values()].filter((approval) => approval.issue === issue);
  }

  /** Routes of the API; mounted under /rest/servicedeskapi. */
  routes(): RequestHandler {
    const store = this.#store;
    const router = express.Router();
    const request = (req: Request, res: Response): Issue => {
      if (callerOf(res) === undefined) throw new JiraError(401, ["You are not authenticated."]);
      return visible(store, req, res);
    };
    router.get("/request/:id", (req, res) => void res.json(showRequest(store, request(req, res))));
    router.get("/request/:id/approval", (req, res) => {
      const shown = this.approvalsOf(request(req, res)).map((each) => showApproval(store, each, callerOf(res)));
      res.json(page(store, req, shown));
    });
    router.get("/request/:id/approval/:approval", (req, res) => {
      const asked = this.approvalsOf(request(req, res)).find(({ id }) => id === param(req, "approval"));
      if (asked === undefined) throw new JiraError(404, ["The approval does not exist."]);
      res.json(showApproval(store, asked, callerOf(res)));
    });
    router.post("/request/:id/approval/:approval", (req, res) => {
      const issue = request(req, res);
      const { decision } = readJson(req);
      const asked = this.approvalsOf(issue).find(({ id }) => id === param(req, "approval"));
      if (asked === undefined) throw new JiraError(404, ["The approval does not exist."]);
      if (decision !== "approve" && decision !== "decline") throw new JiraError(400, ["The decision is not valid."]);
      this.answer(asked.id, decision === "approve" ? "approved" : "declined", { by: callerOf(res) ?? "" });
      res.json(showApproval(store, asked, callerOf(res)));
    });
    router.get("/request/:id/sla", (req, res) => {
      const nowMs = this.#now();
      res.json(
        page(
          store,
          req,
          this.slasOf(request(req, res)).map((sla) => showSla(sla, nowMs)),
        ),
      );
    });
    router.use(refuse);
    return router;
  }
}

/** Refusals in this API's own envelope. */
function refuse(error: unknown, _req: Request, res: Response, next: NextFunction): void {
  if (!(error instanceof JiraError)) {
    next(error);
    return;
  }
  const errorMessage = error.errorMessages.join(" ");
  const i18nErrorMessage = { i18nKey: "sd.simulated.refusal", parameters: [] };
  res.status(error.status).json({ errorMessage, i18nErrorMessage });
}

function page(store: JiraStore, req: Request, all: readonly unknown[]): Record<string, unknown> {
  const start = readCount(req, "start", 0);
  const limit = Math.min(Math.max(1, readCount(req, "limit", PAGE_MAX)), PAGE_MAX);
  const values = all.slice(start, start + limit);
  const base = store.site.url();
  const isLastPage = start + limit >= all.length;
  const self = `${base}${req.originalUrl}`;
  const path = `${base}${req.baseUrl}${req.path}`;
  const next = isLastPage ? {} : { next: `${path}?start=${start + limit}&limit=${limit}` };
  return {
    _expands: [],
    size: values.length,
    start,
    limit,
    isLastPage,
    _links: { base, context: "", self, ...next },
    values,
  };
}

function showRequest(store: JiraStore, issue: Issue): Record<string, unknown> {
  const { site } = store;
  const { category } = statusNamed(issue.status);
  const moved = issue.histories.findLast(({ items }) => items.some(({ fieldId }) => fieldId === "status"));
  const values = [...issue.values].filter(([, value]) => typeof value === "string");
  const rest = `${site.url()}/rest`;
  return {
    _expands: ["participant", "status", "sla", "requestType", "serviceDesk"],
    issueId: issue.id,
    issueKey: issue.key,
    requestTypeId: "1",
    serviceDeskId: site.projects.get(issue.project)?.id ?? "",
    createdDate: showDate(issue.createdMs),
    reporter: showPerson(store, issue.creator),
    requestFieldValues: values.map(([fieldId, value]) => ({
      fieldId,
      label: store.fields.get(fieldId)?.name ?? fieldId,
      value,
    })),
    currentStatus: {
      status: issue.status,
      statusCategory: category.toUpperCase(),
      statusDate: showDate(moved?.createdMs ?? issue.createdMs),
    },
    _links: {
      jiraRest: `${rest}/api/2/issue/${issue.id}`,
      web: `${site.url()}/servicedesk/customer/portal/1/${issue.key}`,
      agent: `${site.url()}/browse/${issue.key}`,
      self: `${rest}/servicedeskapi/request/${issue.id}`,
    },
  };
}

function showApproval(store: JiraStore, approval: Approval, caller: string | undefined): Record<string, unknown> {
  const { id, name, issue, decisions, final, left, createdMs, completedMs } = approval;
  return {
    id,
    name,
    finalDecision: final,
    canAnswerApproval: !left && final === "pending" && decisions.get(caller ?? "") === "pending",
    approvers: [...decisions].map(([approver, approverDecision]) => ({
      approver: showPerson(store, approver),
      approverDecision,
    })),
    createdDate: showDate(createdMs),
    ...(completedMs !== undefined && { completedDate: showDate(completedMs) }),
    _links: { self: `${store.site.url()}/rest/servicedeskapi/request/${issue.id}/approval/${id}` },
  };
}

function showSla({ id, name, cycles }: Sla, nowMs: number): Record<string, unknown> {
  const ongoing = cycles.find(({ stopMs }) => stopMs === undefined);
  return {
    id,
    name,
    completedCycles: cycles.filter(({ stopMs }) => stopMs !== undefined).map((cycle) => showCycle(cycle, nowMs)),
    ...(ongoing !== undefined && {
      ongoingCycle: { ...showCycle(ongoing, nowMs), paused: ongoing.paused, withinCalendarHours: true },
    }),
  };
}

function showCycle({ startMs, stopMs, goalMs, paused }: Cycle, nowMs: number): Record<string, unknown> {
  const elapsedMs = (stopMs ?? nowMs) - startMs;
  return {
    startTime: showDate(startMs),
    ...(stopMs !== undefined && { stopTime: showDate(stopMs) }),
    // A clock that stands still has no time of breach.
    ...(!paused && { breachTime: showDate(startMs + goalMs) }),
    breached: elapsedMs > goalMs,
    goalDuration: showDuration(goalMs),
    elapsedTime: showDuration(elapsedMs),
    remainingTime: showDuration(goalMs - elapsedMs),
  };
}

function showDate(atMs: number): Record<string, unknown> {
  const iso8601 = `${new Date(atMs).toISOString().slice(0, 19)}+0000`;
  return { iso8601, jira: jiraTime(atMs), friendly: new Date(atMs).toUTCString(), epochMillis: atMs };
}

function showDuration(millis: number): Record<string, unknown> {
  return { millis, friendly: `${Math.trunc(millis / 60_000)}m` };
}

function showPerson(store: JiraStore, accountId: string): Record<string, unknown> {
  const { self, avatarUrls, displayName, active, timeZone, ...rest } = showUser(store.site, accountId, 2) ?? {};
  const { emailAddress } = rest;
  const named = { accountId, displayName, active, timeZone, ...(emailAddress !== undefined && { emailAddress }) };
  return { ...named, _links: { self, jiraRest: self, avatarUrls } };
}
