import type {
  ChoiceList,
  LiveAnswer,
  LiveQuestion,
  RecordAnswer,
  RecordQuestion,
  Roll,
} from "../../core/live/answer.ts";
import { eitherRoll, type Looks, looks } from "../looks.ts";
import { headOf } from "./history.ts";
import type { JiraInspection } from "./inspect.ts";
import { fieldIds, goneProject, permissionsHeld, type Screen, screenOf, statusesOf, unknownPaths } from "./site.ts";
import { BROWSE_USERS, groupsStanding, peopleStanding } from "./standing.ts";

/** Each of these is a call of its own. */
const PEOPLE_MAX = 100;
/** Paths below a field that say an option's own text; what goes deeper is another list. */
const OPTION_STEPS = new Set(["", "value", "name"]);

/** Asks a site for everything that a configuration names. Changes nothing. Throws a ConnectorError where it does not answer. */
export async function answerJira(jira: JiraInspection, question: LiveQuestion): Promise<LiveAnswer> {
  const at = looks();
  const rolls = await rollsIn(jira, at, question);
  const ids = await at.look("fields", () => fieldIds(jira));
  const records = new Map<string, RecordAnswer>();
  for (const record of question.records) records.set(record.record, await recordIn({ jira, at }, record, ids));
  return { ...rolls, records, unseen: at.unseen };
}

async function rollsIn(
  jira: JiraInspection,
  at: Looks,
  question: LiveQuestion,
): Promise<Pick<LiveAnswer, "groups" | "people" | "mentions">> {
  const held = await at.look("groups and people", () => permissionsHeld(jira, [BROWSE_USERS.key]));
  if (!held?.has(BROWSE_USERS.key)) {
    if (held) at.unseen.push(`groups and people (give the account the global permission ${BROWSE_USERS.name})`);
    return { groups: undefined, people: undefined, mentions: undefined };
  }
  const alone = jira.deployment === "datacenter" ? PEOPLE_MAX : undefined;
  const [groups, people] = [
    at.within("groups", question.groups, alone),
    at.within("people", question.people, PEOPLE_MAX),
  ];
  const mentions = at.within("mentions", question.mentions, PEOPLE_MAX);
  return {
    groups: await at.look("groups", () => groupsStanding(jira, groups)),
    people: await at.look("people", () => peopleStanding(jira, people)),
    mentions: await at.look("mentions", () => mentionsStanding(jira, mentions)),
  };
}

async function mentionsStanding(jira: JiraInspection, names: readonly string[]): Promise<Roll> {
  const groups = await groupsStanding(jira, names);
  const left = names.filter((name) => groups.standing.get(name) !== "active");
  return left.length === 0 ? groups : eitherRoll(groups, await peopleStanding(jira, left, true));
}

interface Site {
  jira: JiraInspection;
  at: Looks;
}

async function recordIn(
  { jira, at }: Site,
  { record, fields, lists }: RecordQuestion,
  ids: ReadonlySet<string> | undefined,
): Promise<RecordAnswer> {
  const gone = await at.look(record, () => goneProject(jira, record));
  if (gone) return { gone, fields: undefined, lists: new Map() };
  const similar = [...(ids ?? [])].filter((id) => !id.startsWith("customfield_"));
  const hint = "Settings > Work items > Fields shows each field's number in its address";
  const known = ids && { unknown: new Set(unknownPaths(fields, ids)), similar, hint };
  return { fields: known, lists: await listsIn({ jira, at }, record, lists) };
}

async function listsIn({ jira, at }: Site, record: string, paths: readonly string[]): Promise<Map<string, ChoiceList>> {
  const found = new Map<string, ChoiceList>();
  if (paths.includes("status.name")) {
    const statuses = await at.look(`${record}: its statuses`, () => statusesOf(jira, record));
    if (statuses) found.set("status.name", { offered: [...statuses], retired: [] });
  }
  const options = paths.filter((path) => headOf(path) !== "status");
  if (options.length === 0) return found;
  const screen = await at.look(`${record}: its options`, () => screenOf(jira, record));
  if (!screen) {
    at.unseen.push(`${record}: its options (the account sees no issue of it to look at)`);
    return found;
  }
  for (const path of options) {
    const offered = optionsAt(screen, path);
    if (offered) found.set(path, { offered, retired: [] });
  }
  const off = [...new Set(options.map(headOf))].filter((field) => !screen.has(field));
  if (off.length > 0)
    at.unseen.push(`${record}: the options of ${off.join(", ")} (not on the edit screen of its newest issue)`);
  return found;
}

function optionsAt(screen: Screen, path: string): readonly string[] | undefined {
  const head = headOf(path);
  return OPTION_STEPS.has(path.slice(head.length + 1)) ? screen.get(head) : undefined;
}
