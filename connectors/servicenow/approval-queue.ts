import type { Clock } from "../../core/clock.ts";
import type {
  ApprovalAsk,
  Approvals,
  Asked,
  Electorate,
  OpenRequest,
  RequestStanding,
} from "../../core/gates/approvals.ts";
import { type Constituency, type Electorates, electorates } from "./approval-electorate.ts";
import { ApprovalRequests } from "./approval-requests.ts";
import { ApprovalRows } from "./approval-rows.ts";
import { earliest, standingOf, taskOf } from "./approval-standing.ts";
import { approvals, MARKER, type ServiceNowApprovals } from "./approvals.ts";
import { type Changes, changes } from "./change.ts";
import type { ServiceNowClient } from "./client.ts";
import { isSysId, type Listings, listings, textOf } from "./listing.ts";
import { type Undone, undoSideDoor } from "./side-door.ts";

/** Of one request. Each is a row of their own, created in a call of its own. */
const PEOPLE_MAX = 50;
const TABLE = /^[a-z][a-z0-9_]{0,79}$/;

export interface ApprovalQueueDeps {
  connection: string;
  client: ServiceNowClient;
  clock: Clock;
  /** user_names, e-mails or sys_ids of accounts that are no people, beside our own. */
  automation: readonly string[];
}

/**
 * Approvals as rows of sysapproval_approver and sysapproval_group, found again by their marker. Where any one of a group
 * will do, the platform asks its members; otherwise each member is asked with a row of their own, since the first answer
 * to a group settles it for all. Whom the directory does not know is not asked, as long as there is somebody else.
 */
export function servicenowApprovals(deps: ApprovalQueueDeps): Approvals {
  return new ApprovalQueue(deps);
}

class ApprovalQueue implements Approvals {
  readonly connection: string;
  readonly #client: ServiceNowClient;
  readonly #listings: Listings;
  readonly #reads: ApprovalRows;
  readonly #requests: ApprovalRequests;
  readonly #electorates: Electorates;
  readonly #approvals: ServiceNowApprovals;
  readonly #changes: Changes;

  constructor(deps: ApprovalQueueDeps) {
    const { connection, client } = deps;
    this.connection = connection;
    this.#client = client;
    this.#listings = listings(connection, client);
    this.#reads = new ApprovalRows(client, this.#listings);
    this.#requests = new ApprovalRequests({ connection, client, reads: this.#reads, listings: this.#listings });
    this.#electorates = electorates(deps);
    this.#approvals = approvals(deps);
    this.#changes = changes(deps);
  }

  electorate(who: Pick<ApprovalAsk, "groups" | "people">, atMs: number): Promise<Electorate> {
    return this.#electorates.electorate(who, atMs);
  }

  ownIds(): Promise<ReadonlySet<string>> {
    return this.#electorates.ownIds();
  }

  async ask(request: ApprovalAsk): Promise<Asked> {
    this.#check(request);
    const { ref, marker, text, recordType } = request;
    const whom = this.#whom(request, await this.#electorates.constituency(request));
    const asked = (await this.#requests.ask({ taskId: ref.id, marker, text, ...whom })).map(({ row }) => row);
    const groups = asked.filter((row) => textOf(row, "parent") !== "");
    const people = asked.filter((row) => textOf(row, "parent") === "");
    const atMs = earliest(asked);
    if (atMs === null)
      throw this.#listings.fault("rejected", "does not show when approvals were asked for; let it read sys_created_on");
    const { state } = taskOf(people, groups);
    return { atMs, seen: state === "" ? (await this.#reads.task(ref.id, recordType)).state : state };
  }

  /** sys_ids of those who get a row each. */
  #whom({ need, requester, groups: asked, people: named }: ApprovalAsk, { groups, people, unknown }: Constituency) {
    const ids = new Set([...people.values()].map(({ id }) => id));
    const asGroups: string[] = [];
    for (const { id, members } of groups.values()) {
      // The first answer of a group is the whole group's: where the requester is one of it, the others are asked alone.
      const alone = need !== "any" || members.some((member) => member.id === requester);
      if (alone && (need !== "any" || members.length <= PEOPLE_MAX)) for (const member of members) ids.add(member.id);
      else asGroups.push(id);
    }
    ids.delete(requester);
    if (ids.size + asGroups.length === 0)
      throw this.#listings.fault(
        "rejected",
        `knows nobody whom the rule asks (${unknown.map((name) => `"${name}"`).join(", ") || "it names nobody"}); correct the rule, or the groups and people there`,
      );
    if (ids.size > PEOPLE_MAX)
      throw this.#listings.fault(
        "rejected",
        `would have to ask ${ids.size} people for one approval, more than ${PEOPLE_MAX}; let any one of ${asked.length > 0 ? "the group" : `the ${named.length}`} answer (need: any), or name a smaller group`,
      );
    return { people: [...ids], groups: asGroups };
  }

  async standing(requests: readonly OpenRequest[]): Promise<RequestStanding[]> {
    for (const request of requests) this.#check(request);
    if (requests.length === 0) return [];
    const standing = await standingOf({ reads: this.#reads, electorates: this.#electorates }, requests);
    // A field of the task that approvals do not show is not the same as one that is empty.
    for (const [at, each] of standing.entries()) {
      const request = requests[at];
      if (each.state === "standing" && each.seen === "" && request)
        each.seen = (await this.#reads.task(request.ref.id, request.recordType)).state;
    }
    return standing;
  }

  async cancel({ ref, marker }: OpenRequest): Promise<void> {
    await this.#approvals.cancel(ref.id, marker);
  }

  async undoSideDoor(request: OpenRequest & { seen: string; state: boolean }): Promise<Undone> {
    const [standing] = await this.standing([request]);
    const falselyApproved = standing?.state === "standing" && standing.sideDoor !== null;
    const deps = { client: this.#client, reads: this.#reads, changes: this.#changes };
    return undoSideDoor(deps, { ...request, falselyApproved });
  }

  #check({ ref, recordType, marker }: Pick<OpenRequest, "ref" | "recordType" | "marker">): void {
    if (isSysId(ref.id) && TABLE.test(recordType) && MARKER.test(marker)) return;
    throw this.#listings.fault("rejected", "has no approvals by that id, table or marker; nothing was sent");
  }
}
