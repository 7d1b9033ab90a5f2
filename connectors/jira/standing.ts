import { z } from "zod";
import type { Roll, Standing } from "../../core/live/answer.ts";
import type { JiraInspection } from "./inspect.ts";
import { type User, Users, withEmail } from "./shape.ts";
import { get } from "./site.ts";

/** Names of one question. */
const TOGETHER_MAX = 50;
/** Names that could have been meant, of which the nearest is shown. */
const SIMILAR_MAX = 1_000;
/** Unknown people for whom somebody near is looked for. */
const GUESSED_MAX = 10;
const START_LENGTH = 3;

const Named = z.array(z.looseObject({ name: z.string() }));
const Page = z.looseObject({ values: Named });
const Picked = z.looseObject({ groups: Named });
const UserPage = z.looseObject({ values: Users });

/** The global permission without which a site shows neither groups nor people. */
export const BROWSE_USERS = { key: "USER_PICKER", name: "Browse users and groups" };

/** How names of groups stand. Jira has no inactive groups, and no two of one name. */
export async function groupsStanding(jira: JiraInspection, names: readonly string[]): Promise<Roll> {
  const there = jira.deployment === "cloud" ? await bulkGroups(jira, names) : await pickedGroups(jira, names);
  const standing = new Map(names.map((name): [string, Standing] => [name, there.has(name) ? "active" : "unknown"]));
  if (names.every((name) => there.has(name))) return { standing, similar: [] };
  return { standing, similar: await someGroups(jira) };
}

async function bulkGroups(jira: JiraInspection, names: readonly string[]): Promise<Set<string>> {
  const there = new Set<string>();
  for (let start = 0; start < names.length; start += TOGETHER_MAX) {
    const groupName = names.slice(start, start + TOGETHER_MAX);
    const { values } = await get(jira, Page, "/group/bulk", { groupName, maxResults: TOGETHER_MAX });
    for (const { name } of values) there.add(name);
  }
  return there;
}

/** A Data Center can only be asked for each name by itself. */
async function pickedGroups(jira: JiraInspection, names: readonly string[]): Promise<Set<string>> {
  const there = new Set<string>();
  for (const query of names) {
    const { groups } = await get(jira, Picked, "/groups/picker", { query, maxResults: TOGETHER_MAX });
    for (const { name } of groups) there.add(name);
  }
  return there;
}

async function someGroups(jira: JiraInspection): Promise<string[]> {
  const { groups } = await get(jira, Picked, "/groups/picker", { query: "", maxResults: SIMILAR_MAX });
  return groups.map(({ name }) => name);
}

/** How people stand, by account id (Data Center: user name) or e-mail as writes look them up; `byName`: also by what they are called. */
export async function peopleStanding(jira: JiraInspection, people: readonly string[], byName = false): Promise<Roll> {
  const standing = new Map<string, Standing>();
  // Only the Cloud's account ids can be asked for together.
  const ids = jira.deployment === "cloud" ? people.filter((who) => /^[\w:-]{1,128}$/.test(who)) : [];
  for (let start = 0; start < ids.length; start += TOGETHER_MAX) {
    const accountId = ids.slice(start, start + TOGETHER_MAX);
    const { values } = await get(jira, UserPage, "/user/bulk", { accountId, maxResults: TOGETHER_MAX });
    for (const id of accountId) standing.set(id, standingOf(values.filter((user) => user.accountId === id)));
  }
  for (const who of people) {
    const bySearch = who.includes("@") || byName || jira.deployment === "datacenter";
    if (bySearch && (standing.get(who) ?? "unknown") === "unknown")
      standing.set(who, standingOf(bearing(who, await usersLike(jira, who), byName)));
    else if (!standing.has(who)) standing.set(who, "unknown");
  }
  const unknown = people.filter((who) => standing.get(who) === "unknown" && who.includes("@"));
  const similar: string[] = [];
  for (const who of byName ? [] : unknown.slice(0, GUESSED_MAX)) {
    const found = await usersLike(jira, who.slice(0, START_LENGTH));
    similar.push(...found.flatMap(({ emailAddress }) => emailAddress ?? []));
  }
  return { standing, similar };
}

function bearing(who: string, users: readonly User[], byName: boolean): readonly User[] {
  const named = users.filter(({ name, displayName }) => name === who || (byName && displayName === who));
  return who.includes("@") ? withEmail(users, who) : named;
}

function usersLike(jira: JiraInspection, text: string): Promise<User[]> {
  const cloud = { query: text, maxResults: TOGETHER_MAX };
  const datacenter = { username: text, includeInactive: true, maxResults: TOGETHER_MAX };
  return get(jira, Users, "/user/search", jira.deployment === "cloud" ? cloud : datacenter);
}

function standingOf(users: readonly User[]): Standing {
  const active = users.filter((user) => user.active !== false).length;
  if (active > 0) return active > 1 ? "several" : "active";
  return users.length > 0 ? "inactive" : "unknown";
}
