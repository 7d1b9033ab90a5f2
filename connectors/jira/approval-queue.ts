import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import type { JiraApprovals } from "../../core/config/settings.ts";
import { ConnectorError } from "../../core/errors.ts";
import type {
  ApprovalAsk,
  Approvals,
  Asked,
  Electorate,
  OpenRequest,
  RequestStanding,
} from "../../core/gates/approvals.ts";
import type { TicketRef } from "../../core/ticket.ts";
import { type InTurn, inTurn } from "../in-turn.ts";
import type { JiraApi } from "./api.ts";
import { byApprovals, byMoves, type Read } from "./approval-answers.ts";
import { requestedAt, writeRequest } from "./approval-comment.ts";
import { type Electorates, electorates } from "./approval-electorate.ts";
import { issueIdOf, type Pace } from "./caller.ts";
import { cloudParts } from "./cloud-parts.ts";
import type { RequestApproval } from "./service-desk.ts";
import { type StatusMove, statusAt, statusMoves } from "./status-moves.ts";
import { type Moved, moveIssue } from "./transitions.ts";

const PEOPLE_MAX = 50;
const MARKER = /^\[il:[0-9A-Za-z_.:-]{1,80}\]$/;

const Present = z.looseObject({
  fields: z.looseObject({ status: z.looseObject({ name: z.string().min(1) }) }),
});
const Approver = z.looseObject({ accountId: z.string() });

export interface ApprovalQueueDeps {
  api: JiraApi;
  clock: Clock;
  pace: Pace;
  settings: JiraApprovals;
  /** Account ids, in Data Center user names, of accounts that are no people, beside our own. */
  automation: readonly string[];
}

/**
 * Approvals in the status that a site has for them. The request is a comment with a marker, whose time says which
 * answers are about it; then the issue is moved to the status, where Jira lets people answer: by moving it on, or in the
 * approval that the service desk begins there.
 */
export function jiraApprovals(deps: ApprovalQueueDeps): Approvals {
  return new ApprovalQueue(deps);
}

class ApprovalQueue implements Approvals {
  readonly connection: string;
  readonly #deps: ApprovalQueueDeps;
  readonly #electorates: Electorates;
  readonly #turns: InTurn = inTurn();
  readonly #readApprovals: (ref: TicketRef) => Promise<RequestApproval[]>;

  constructor(deps: ApprovalQueueDeps) {
    const { api, pace, settings } = deps;
    this.connection = api.connection;
    this.#deps = deps;
    this.#electorates = electorates(deps);
    const approvalStatuses = new Set([settings.status]);
    const { readApprovals } = cloudParts({ config: api.config, caller: api, pace, approvalStatuses });
    this.#readApprovals = readApprovals;
  }

  electorate(who: Pick<ApprovalAsk, "groups" | "people">, _atMs: number): Promise<Electorate> {
    return this.#electorates.electorate(who);
  }

  ownIds(): Promise<ReadonlySet<string>> {
    return this.#electorates.ownIds();
  }

  ask(request: ApprovalAsk): Promise<Asked> {
    return this.#turns.run(request.ref.id, () => this.#ask(request));
  }

  async #ask(request: ApprovalAsk): Promise<Asked> {
    this.#check(request);
    const { ref, marker } = request;
    const { api, settings } = this.#deps;
    const people = this.#whom(await this.#electorates.electorate(request)).filter((id) => id !== request.requester);
    const before = await this.#present(ref);
    const known = await requestedAt(api, ref, { marker, sinceMs: null });
    const atMs = known ?? (await writeRequest(this.#deps, ref, request));
    if (settings.type === "jsm") await this.#setApprovers(ref, before.approvers, people);
    if (before.status !== settings.status) await this.#moveBack(ref, before.status);
    // What was cut short may have moved it already: then its changelog knows where it stood.
    const seen = known === undefined ? undefined : statusAt((await this.#movesOf([ref])).get(ref.id) ?? [], atMs);
    return { atMs, seen: seen ?? before.status };
  }

  #whom({ eligible: { people }, unknown }: Electorate): string[] {
    const ids = [...people.keys()];
    if (ids.length === 0)
      throw this.#fault(
        "rejected",
        `knows nobody whom the rule asks (${unknown.map((name) => `"${name}"`).join(", ") || "it names nobody"}); correct the rule, or the groups and people there`,
      );
    if (this.#deps.settings.type === "jsm" && ids.length > PEOPLE_MAX)
      throw this.#fault(
        "rejected",
        `would have to name ${ids.length} approvers, more than ${PEOPLE_MAX}; name a smaller group in the rule`,
      );
    return ids;
  }

  async #present(ref: TicketRef): Promise<{ status: string; approvers: ReadonlySet<string> }> {
    const { api, settings } = this.#deps;
    const field = settings.type === "jsm" ? [settings.approvers] : [];
    const { fields } = await api.ask("read_status", Present, (routes) => routes.issue(ref.id, ["status", ...field]));
    const value = settings.type === "jsm" ? z.array(Approver).safeParse(fields[settings.approvers]) : undefined;
    return {
      status: fields.status.name,
      approvers: new Set(value?.success ? value.data.map(({ accountId }) => accountId) : []),
    };
  }

  async #setApprovers({ id }: TicketRef, present: ReadonlySet<string>, people: readonly string[]): Promise<void> {
    const { api, pace, settings } = this.#deps;
    if (settings.type !== "jsm") return;
    if (present.size === people.length && people.every((one) => present.has(one))) return;
    const fields = { [settings.approvers]: people.map((accountId) => ({ accountId })) };
    await pace.turn(id, () => api.send("write", (routes) => routes.edit(id, { fields })));
  }

  #moveBack(ref: TicketRef, from: string): Promise<Moved> {
    const { api, pace, settings } = this.#deps;
    const options = { caller: api, pace, issues: api.routes.moves, approvalStatuses: new Set([settings.status]) };
    return moveIssue(options, { ref, seen: from, to: settings.status });
  }

  #movesOf(refs: readonly TicketRef[]): Promise<Map<string, StatusMove[]>> {
    return statusMoves(this.#deps.api, [...new Set(refs.map(({ id }) => id))]);
  }

  async standing(requests: readonly OpenRequest[]): Promise<RequestStanding[]> {
    for (const request of requests) this.#check(request);
    const { api } = this.#deps;
    const asked: { request: OpenRequest; atMs: number | undefined }[] = [];
    for (const request of requests) {
      const { ref, marker, requestedAtMs: sinceMs } = request;
      asked.push({ request, atMs: await requestedAt(api, ref, { marker, sinceMs }) });
    }
    const standing = asked.filter(({ atMs }) => atMs !== undefined).map(({ request }) => request.ref);
    // Before the approvals: a decision that comes in between then has no move yet, rather than a move no decision.
    const moves = standing.length === 0 ? new Map<string, StatusMove[]>() : await this.#movesOf(standing);
    const shown: RequestStanding[] = [];
    for (const { request, atMs } of asked)
      shown.push(
        atMs === undefined
          ? { state: "absent" }
          : await this.#shown(request.ref, moves.get(request.ref.id) ?? [], atMs),
      );
    return shown;
  }

  async #shown(ref: TicketRef, moves: readonly StatusMove[], atMs: number): Promise<RequestStanding> {
    const seen = statusAt(moves, atMs) ?? (await this.#present(ref)).status;
    const names = new Map(moves.filter((move) => move.atMs >= atMs).map(({ author: { id, name } }) => [id, name]));
    return { state: "standing", atMs, seen, names, spent: false, ...(await this.#read(ref, moves, atMs)) };
  }

  async #read(ref: TicketRef, moves: readonly StatusMove[], atMs: number): Promise<Read> {
    const { settings, clock } = this.#deps;
    if (settings.type === "status") return byMoves(settings, moves, atMs);
    const approvals = await this.#readApprovals(ref);
    return byApprovals(settings.status, approvals, { moves, atMs, nowMs: clock.now() });
  }

  /**
   * Leaves everything as it is: what is asked in Jira ends only with a move out of the status, which is for people alone.
   * An answer that still comes is older than the next request, and so is none to it.
   */
  async cancel(request: OpenRequest): Promise<void> {
    this.#check(request);
  }

  async undoSideDoor(request: OpenRequest & { seen: string }): Promise<{ done: boolean; detail: string }> {
    this.#check(request);
    const { ref, marker, requestedAtMs: sinceMs } = request;
    const { api, settings } = this.#deps;
    const { status } = await this.#present(ref);
    if (status === settings.status) return { done: true, detail: "stands where people are asked" };
    if ((await requestedAt(api, ref, { marker, sinceMs })) === undefined)
      return { done: false, detail: `${ref.key} is not asked about by that request any more` };
    try {
      await this.#moveBack(ref, status);
      return { done: true, detail: `put back: ${settings.status}` };
    } catch (error) {
      // No way back in the workflow, or no right to go it.
      if (error instanceof ConnectorError && error.kind === "rejected") return { done: false, detail: error.message };
      throw error;
    }
  }

  #check({ ref, marker }: Pick<OpenRequest, "ref" | "marker">): void {
    issueIdOf(this.connection, ref);
    if (!MARKER.test(marker)) throw this.#fault("rejected", "has no approvals by that marker; nothing was sent");
  }

  #fault(kind: "rejected", message: string): ConnectorError {
    const { connection } = this;
    return new ConnectorError({ kind, connection, message: `${connection} ${message}` });
  }
}
