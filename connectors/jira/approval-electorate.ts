import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import { ConnectorError } from "../../core/errors.ts";
import type { Seat } from "../../core/gates/answer.ts";
import type { ApprovalAsk, Electorate } from "../../core/gates/approvals.ts";
import { remembered } from "../remembered.ts";
import type { JiraApi } from "./api.ts";
import { type User, Users, withEmail } from "./shape.ts";

/** Whoever left a group, or is switched off, must not count for longer. */
const AGE_MAX_MS = 60_000;
const PAGE_SIZE = 50;
const PAGES_MAX = 40;

const Members = z.looseObject({
  startAt: z.int().nonnegative(),
  isLast: z.boolean(),
  values: Users,
});
const Me = z.looseObject({ accountId: z.string().min(1).optional(), key: z.string().min(1).optional() });

type Who = Pick<ApprovalAsk, "groups" | "people">;

interface Person {
  /** As tickets and histories name people: account id, or key in Data Center. */
  id: string;
  name: string;
  active: boolean;
}

/** Who may answer on a site. What is read is kept for a minute at most; failures are ConnectorErrors. */
export interface Electorates {
  /** As in `Approvals`. Jira knows no delegates. */
  electorate(who: Who): Promise<Electorate>;
  /** As in `Approvals`; remembered for ten minutes. */
  ownIds(): Promise<ReadonlySet<string>>;
}

export function electorates(deps: { api: JiraApi; clock: Clock; automation: readonly string[] }): Electorates {
  const { api, clock, automation } = deps;
  const rosters = remembered<Person[] | undefined>(clock, { ageMaxMs: AGE_MAX_MS });
  const people = remembered<ReadonlyMap<string, readonly Person[]>>(clock, { ageMaxMs: AGE_MAX_MS });
  const own = remembered<ReadonlySet<string>>(clock);
  return {
    async electorate(who) {
      const names = [...new Set(who.people)];
      const groups = await Promise.all(
        [...new Set(who.groups)].map(async (name) => [name, await rosters.get(name, () => roster(api, name))] as const),
      );
      const named =
        names.length === 0 ? new Map() : await people.get(JSON.stringify(names), () => bearersOf(api, names));
      return electorateOf(groups, named);
    },
    ownIds: () => own.get("", async () => new Set([await ownId(api), ...(await automated(api, automation))])),
  };
}

async function ownId(api: JiraApi): Promise<string> {
  const me = await api.ask("who_am_i", Me, (routes) => routes.myself());
  const id = me[api.routes.person.recorded];
  if (id !== undefined) return id;
  const message = `${api.connection} does not say which account is calling; see whether deployment is right`;
  throw new ConnectorError({ kind: "protocol", connection: api.connection, message });
}

/** The Cloud's account ids stand as they are; a Data Center's user names lead to keys. */
async function automated(api: JiraApi, automation: readonly string[]): Promise<readonly string[]> {
  if (api.routes.person.recorded === "accountId" || automation.length === 0) return automation;
  const found = await bearersOf(api, automation);
  return automation.flatMap((name) => {
    const ids = (found.get(name) ?? []).map(({ id }) => id);
    if (ids.length > 0) return ids;
    // Answers by an account that is not recognised as automation would pass for a person's.
    const message = `${api.connection} has no account "${name}"; correct automation of the connection in interlock.yaml`;
    throw new ConnectorError({ kind: "rejected", connection: api.connection, message });
  });
}

/** Everybody in a group, switched off or not; undefined where there is no such group. */
async function roster(api: JiraApi, name: string): Promise<Person[] | undefined> {
  const { connection } = api;
  const members: Person[] = [];
  let startAt = 0;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const from = startAt;
    const found = await existing(() =>
      api.ask("read_members", Members, (routes) => routes.members(name, from, PAGE_SIZE)),
    );
    if (found === undefined) return undefined;
    if (found.startAt !== from || (found.values.length === 0 && !found.isLast)) {
      const message = `${connection} gave a page of a group's members that does not lead on; nothing was concluded`;
      throw new ConnectorError({ kind: "protocol", connection, message });
    }
    members.push(...found.values.flatMap((user) => personOf(api, user)));
    if (found.isLast) return members;
    startAt += found.values.length;
  }
  const message = `${connection} has a group of more than ${PAGE_SIZE * PAGES_MAX} members; let a smaller one approve`;
  throw new ConnectorError({ kind: "rejected", connection, message });
}

async function existing<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof ConnectorError && error.kind === "not_found") return undefined;
    throw error;
  }
}

/** Who bears a name, which is an account id (Data Center: user name) or an e-mail. */
async function bearersOf(api: JiraApi, names: readonly string[]): Promise<Map<string, readonly Person[]>> {
  const { routes } = api;
  const found = new Map<string, readonly Person[]>();
  const mails = names.filter((name) => name.includes("@"));
  const ids = names.filter((name) => !name.includes("@"));
  for (let start = 0; start < ids.length; start += routes.bearersMax) {
    const portion = ids.slice(start, start + routes.bearersMax);
    const users = await api.ask("look_up", Users, () => routes.bearers(portion));
    for (const id of portion)
      found.set(
        id,
        users.filter((user) => user[routes.person.written] === id).flatMap((user) => personOf(api, user)),
      );
  }
  for (const mail of mails) {
    const users = await api.ask("look_up", Users, () => routes.users(mail));
    found.set(
      mail,
      withEmail(users, mail).flatMap((user) => personOf(api, user)),
    );
  }
  return found;
}

function personOf({ routes }: JiraApi, user: User): Person[] {
  const id = user[routes.person.recorded];
  // Where a site does not say that somebody is active, nobody is.
  return id === undefined ? [] : [{ id, name: user.displayName ?? "", active: user.active === true }];
}

function electorateOf(
  groups: readonly (readonly [string, readonly Person[] | undefined])[],
  named: ReadonlyMap<string, readonly Person[]>,
): Electorate {
  const seats = new Map<string, Seat[]>();
  const unknown: string[] = [];
  const everybody = new Map<string, Person>();
  const seat = (bearers: readonly Person[], one: Seat): void => {
    for (const { id } of bearers) seats.set(id, [...(seats.get(id) ?? []), one]);
  };
  for (const [name, members = []] of groups) {
    const active = members.filter((member) => member.active);
    for (const member of members) everybody.set(member.id, member);
    if (active.length === 0) unknown.push(name);
    seat(active, `group:${name}`);
  }
  for (const [name, bearers] of named) {
    const active = bearers.filter((bearer) => bearer.active);
    for (const bearer of bearers) everybody.set(bearer.id, bearer);
    // A name that several bear is nobody's.
    if (active.length === 1) seat(active, `person:${name}`);
    else unknown.push(name);
  }
  const all = [...everybody.values()];
  return {
    eligible: {
      people: seats,
      delegates: new Map(),
      inactive: new Set(all.filter(({ active }) => !active).map(({ id }) => id)),
    },
    unknown,
    names: new Map(all.map(({ id, name }) => [id, name])),
  };
}
