import type { LiveAnswer, LiveQuestion, RecordAnswer, RecordQuestion, Roll } from "../../core/live/answer.ts";
import { eitherRoll, type Looks, looks, seesNone } from "../looks.ts";
import { choicesOf, columnsOf, lineageOf, lookInto, unknownPaths } from "./dictionary.ts";
import type { Inspection } from "./inspect.ts";
import { groupsStanding, peopleStanding } from "./standing.ts";

/** Asks an instance for everything that a configuration names. Changes nothing. Throws a ConnectorError where it does not answer. */
export async function answerServiceNow(ours: Inspection, question: LiveQuestion): Promise<LiveAnswer> {
  const at = looks();
  const groups = await groupsIn(ours, at, question.groups);
  const people = await peopleIn(ours, at, question.people);
  const mentions = await mentionsIn(ours, at, question.mentions);
  const records = new Map<string, RecordAnswer>();
  for (const record of question.records) records.set(record.record, await recordIn(ours, at, record));
  return { groups, people, mentions, records, unseen: at.unseen };
}

async function groupsIn(ours: Inspection, at: Looks, asked: readonly string[]): Promise<Roll | undefined> {
  const names = at.within("groups", asked);
  const roll = await at.look("groups", () => groupsStanding(ours, names));
  if (!roll || !seesNone(roll)) return roll;
  at.unseen.push("groups (sys_user_group shows none at all; give the role of the integration user read on it)");
  return undefined;
}

async function peopleIn(ours: Inspection, at: Looks, asked: readonly string[]): Promise<Roll | undefined> {
  const names = at.within("people", asked);
  const roll = await at.look("people", () => peopleStanding(ours, names));
  if (!roll || !seesNone(roll)) return roll;
  // Everybody may see their own record; nobody else there means that the others are hidden.
  const seen = await at.look("people", () => ours.read({ table: "sys_user", fields: ["sys_id"], limit: 3 }));
  if (seen && seen.length > 1) return roll;
  if (seen) at.unseen.push("people (sys_user shows nobody; give the role of the integration user read on it)");
  return undefined;
}

async function mentionsIn(ours: Inspection, at: Looks, asked: readonly string[]): Promise<Roll | undefined> {
  const names = at.within("mentions", asked);
  return at.look("mentions", async () => {
    const groups = await groupsStanding(ours, names);
    const left = names.filter((name) => groups.standing.get(name) !== "active");
    return left.length === 0 ? groups : eitherRoll(groups, await peopleStanding(ours, left, true));
  });
}

const NOTHING = { fields: undefined, lists: new Map() };

async function recordIn(ours: Inspection, at: Looks, { record, fields, lists }: RecordQuestion): Promise<RecordAnswer> {
  const into = await at.look(record, () => lookInto(ours, record, []));
  if (!into) return NOTHING;
  if ("gone" in into) return { gone: into.gone, ...NOTHING };
  const lineage = (await at.look(`${record}: the dictionary`, () => lineageOf(ours, record))) ?? [];
  const columns = await at.look(`${record}: its fields`, () => columnsOf(ours, lineage));
  if (!columns) {
    const needed = "give the role of the integration user read on sys_db_object, sys_dictionary and sys_choice";
    at.unseen.push(`${record}: its fields and choices (${needed})`);
    return NOTHING;
  }
  const hint = "Write a field that is there, or add it";
  const known = { unknown: new Set(unknownPaths(fields, columns)), similar: [...columns], hint };
  const choices = await at.look(`${record}: its choices`, () => choicesOf(ours, lineage, lists));
  if (choices && !choices.seen)
    at.unseen.push(
      `${record}: its choices (sys_choice shows none; if there are some, give the role of the integration user read on it)`,
    );
  return { fields: known, lists: choices?.lists ?? new Map() };
}
