import type { Clock } from "../../core/clock.ts";
import type { Seat } from "../../core/gates/answer.ts";
import type { ApprovalAsk, Electorate } from "../../core/gates/approvals.ts";
import { remembered } from "../remembered.ts";
import { type Approvers, approvers, type ServiceNowDelegate, type ServiceNowPerson } from "./approvers.ts";
import type { ServiceNowClient } from "./client.ts";
import { inspection } from "./inspect.ts";
import { isSysId, type Listings, listings, timeText } from "./listing.ts";

/** Whoever left a group, or is switched off, must not count for longer. */
const AGE_MAX_MS = 60_000;
const MINUTE_MS = 60_000;

type Who = Pick<ApprovalAsk, "groups" | "people">;

/** Those whom a request is for, before anybody stands in for them. */
export interface Constituency {
  /** Name of a group → its sys_id and its active members. */
  groups: ReadonlyMap<string, { id: string; members: readonly ServiceNowPerson[] }>;
  /** As a rule names a person → the active person. */
  people: ReadonlyMap<string, ServiceNowPerson>;
  inactive: readonly ServiceNowPerson[];
  /** Names that nobody bears, that several do, or that only those do who are switched off. */
  unknown: readonly string[];
}

/** Who may answer in an instance. What is read is kept for a minute at most; failures are ConnectorErrors. */
export interface Electorates {
  constituency(who: Who): Promise<Constituency>;
  /** As in `Approvals`. */
  electorate(who: Who, atMs: number): Promise<Electorate>;
  /** As in `Approvals`; remembered for ten minutes. */
  ownIds(): Promise<ReadonlySet<string>>;
  /** user_name → sys_id, for those that an answer names; remembered for ten minutes. */
  idOf(account: string): Promise<ServiceNowPerson | null>;
}

export interface ElectorateDeps {
  connection: string;
  client: ServiceNowClient;
  clock: Clock;
  /** user_names, e-mails or sys_ids of accounts that are no people. */
  automation: readonly string[];
}

export function electorates({ connection, client, clock, automation }: ElectorateDeps): Electorates {
  const asked = approvers({ connection, client });
  const reader = listings(connection, client);
  const inspected = inspection(connection, client);
  const rosters = remembered<ReadonlyMap<string, ServiceNowPerson[]>>(clock, { ageMaxMs: AGE_MAX_MS });
  const people = remembered<ReadonlyMap<string, ServiceNowPerson[]>>(clock, { ageMaxMs: AGE_MAX_MS });
  const delegates = remembered<ServiceNowDelegate[]>(clock, { ageMaxMs: AGE_MAX_MS });
  const own = remembered<ReadonlySet<string>>(clock);
  const accounts = remembered<ServiceNowPerson | null>(clock);

  async function constituency(who: Who): Promise<Constituency> {
    const names = [...new Set(who.people)];
    const groups = await Promise.all(
      [...new Set(who.groups)].map(async (name) => [name, await rosters.get(name, () => asked.roster(name))] as const),
    );
    const named = names.length === 0 ? new Map() : await people.get(JSON.stringify(names), () => asked.people(names));
    return constituencyOf(groups, named);
  }

  return {
    constituency,
    async electorate(who, atMs) {
      const those = await constituency(who);
      const seats = seatsOf(those);
      const ids = [...seats.keys()].sort();
      // By the minute, so that the same question of a batch is asked once; who is meant at the instant is told below.
      const fromMs = Math.floor(atMs / MINUTE_MS) * MINUTE_MS;
      const span = { fromMs, toMs: fromMs + MINUTE_MS - 1 };
      const standIns =
        ids.length === 0 ? [] : await delegates.get(`${fromMs} ${ids.join(" ")}`, () => asked.delegatesOf(ids, span));
      return electorateOf(those, seats, standIns, timeText(atMs));
    },
    ownIds: () => own.get("", async () => new Set([(await inspected.account()).sysId, ...(await automated())])),
    idOf: (account) => accounts.get(account.toLowerCase(), async () => (await bearing(asked, account)) ?? null),
  };

  async function automated(): Promise<string[]> {
    const names = automation.filter((name) => !isSysId(name));
    const found = await asked.people(names);
    const ids = names.flatMap((name) => {
      const bearers = found.get(name) ?? [];
      if (bearers.length === 0) throw unknownAutomation(reader, name);
      return bearers.map(({ id }) => id);
    });
    return [...automation.filter(isSysId), ...ids];
  }
}

/** Answers by an account that is not recognised as automation would pass for a person's. */
function unknownAutomation(reader: Listings, name: string): Error {
  return reader.fault("rejected", `has no account "${name}"; correct automation of the connection in interlock.yaml`);
}

/** The one who bears a user_name, switched off or not. */
async function bearing(asked: Approvers, account: string): Promise<ServiceNowPerson | undefined> {
  // By user_name alone, whatever it looks like: a history names accounts by nothing else.
  const found = (await asked.accounts([account])).get(account) ?? [];
  return found.length === 1 ? found[0] : undefined;
}

function constituencyOf(
  groups: readonly (readonly [string, ReadonlyMap<string, ServiceNowPerson[]>])[],
  named: ReadonlyMap<string, readonly ServiceNowPerson[]>,
): Constituency {
  const unknown: string[] = [];
  const inactive: ServiceNowPerson[] = [];
  const known = new Map<string, { id: string; members: ServiceNowPerson[] }>();
  for (const [name, bearers] of groups) {
    const members = [...bearers.values()].flat();
    inactive.push(...members.filter(({ active }) => !active));
    const [id, second] = bearers.keys();
    const active = members.filter((member) => member.active);
    if (id === undefined || second !== undefined || active.length === 0) unknown.push(name);
    else known.set(name, { id, members: active });
  }
  const people = new Map<string, ServiceNowPerson>();
  for (const [name, bearers] of named) {
    inactive.push(...bearers.filter(({ active }) => !active));
    const [only, second] = bearers.filter(({ active }) => active);
    if (only && !second) people.set(name, only);
    else unknown.push(name);
  }
  return { groups: known, people, inactive, unknown };
}

/** sys_id → what they answer as. */
function seatsOf({ groups, people }: Constituency): Map<string, Seat[]> {
  const seats = new Map<string, Seat[]>();
  const seat = (id: string, one: Seat): void => void seats.set(id, [...(seats.get(id) ?? []), one]);
  for (const [name, { members }] of groups) for (const { id } of members) seat(id, `group:${name}`);
  for (const [name, { id }] of people) seat(id, `person:${name}`);
  return seats;
}

function electorateOf(
  those: Constituency,
  seats: ReadonlyMap<string, readonly Seat[]>,
  standIns: readonly ServiceNowDelegate[],
  at: string,
): Electorate {
  const now = standIns.filter(({ startsAt, endsAt }) => startsAt <= at && endsAt >= at);
  const delegates = new Map<string, Set<string>>();
  for (const { id, for: of } of now) delegates.set(id, (delegates.get(id) ?? new Set()).add(of));
  const everybody = [
    ...[...those.groups.values()].flatMap(({ members }) => members),
    ...those.people.values(),
    ...those.inactive,
    ...now,
  ];
  const inactive = everybody.filter(({ active }) => !active).map(({ id }) => id);
  return {
    eligible: { people: seats, delegates, inactive: new Set(inactive) },
    unknown: those.unknown,
    names: new Map(everybody.map(({ id, name }) => [id, name])),
  };
}
