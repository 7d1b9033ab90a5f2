import { didYouMean } from "../nearest.ts";
import type { Problem } from "../problem.ts";
import type { LiveAnswer, LiveAnswers, Roll, Standing } from "./answer.ts";
import { valueProblems } from "./held-values.ts";
import { type Party, type Place, placeOf } from "./named.ts";
import { isAbout, type Named } from "./questions.ts";

/** What came of holding a configuration's names against its systems of record. */
export interface Held {
  problems: Problem[];
  /** Names that an answer could be held against, each once. */
  counts: { groups: number; people: number; values: number; fields: number };
  /** Places with a name that nobody could judge, since a system that may know it did not answer for it. */
  open: number;
}

/**
 * Holds every name against the answers. A group or person is wrong that none of the systems knows whose tickets it may
 * be for; so is a choice that none of their record types has. Where one of these did not answer, nothing is said.
 */
export function heldAgainst(named: Named, answers: LiveAnswers): Held {
  const verdicts = named.parties.map((party) => ({ party, verdict: partyVerdict(party, named, answers) }));
  const judged = verdicts.filter(({ verdict }) => verdict !== "open").map(({ party }) => party);
  const values = valueProblems(named, answers);
  const distinct = (kinds: readonly Party["kind"][]): number =>
    new Set(judged.filter(({ kind }) => kinds.includes(kind)).flatMap(({ anyOf }) => anyOf)).size;
  return {
    problems: [
      ...goneRecords(named, answers),
      ...verdicts.flatMap(({ verdict }) => (typeof verdict === "string" ? [] : [verdict])),
      ...values.problems,
    ],
    counts: { groups: distinct(["group", "mention"]), people: distinct(["person"]), ...values.counts },
    open: verdicts.length - judged.length + values.open,
  };
}

type Verdict = Problem | "fine" | "open";

function partyVerdict(party: Party, named: Named, answers: LiveAnswers): Verdict {
  const connections = named.connections.filter((connection) => isAbout(party.scope, connection));
  const verdicts = party.anyOf.map((name) => nameVerdict(party, name, { connections, named, answers }));
  const [first = "open"] = verdicts;
  return verdicts.find((verdict) => verdict === "fine") ?? verdicts.find((verdict) => verdict === "open") ?? first;
}

interface Asked {
  connections: readonly string[];
  named: Named;
  answers: LiveAnswers;
}

function nameVerdict({ kind, place }: Party, name: string, asked: Asked): Verdict {
  const { connections } = asked;
  // A connection that is not there is told without asking anybody.
  if (connections.length === 0) return "fine";
  const standings = connections.map((connection) => standingIn({ kind, name }, connection, asked));
  const where = (standing: Standing): string[] => connections.filter((_, index) => standings[index] === standing);
  const several = where("several");
  if (several.length > 0 && kind !== "mention") {
    const what = `"${name}" is the name of several active ${kind === "group" ? "groups" : "people"} in ${either(several)}`;
    return { ...place, what, fix: kind === "group" ? "Rename all but one" : "Name the one by id" };
  }
  if (where("active").length + several.length > 0) return "fine";
  if (standings.includes(undefined)) return "open";
  const inactive = where("inactive");
  if (inactive.length > 0) {
    const what = `the ${kind === "person" ? "person" : "group"} "${name}" is not active in ${either(inactive)}`;
    return { ...place, what, fix: "Name one that is, or activate it there" };
  }
  const unaskable = where("unaskable");
  if (unaskable.length > 0) {
    const what = `"${name}" has a character in it that no question to ${either(unaskable)} can carry`;
    return { ...place, what, fix: "Rename it there, and write the new name" };
  }
  return unknown({ kind, place }, name, asked);
}

const NOUNS = { group: "group", person: "person", mention: "group or person" } as const;

function unknown(
  { kind, place }: Pick<Party, "kind" | "place">,
  name: string,
  { connections, answers }: Asked,
): Problem {
  const similar = connections.flatMap((connection) => rollOf(kind, connection, answers)?.similar ?? []);
  const what = `no ${NOUNS[kind]} is known as "${name}" in ${either(connections)}`;
  const fix = kind === "person" ? "Name somebody by e-mail or id" : "Name one that is there, or create it";
  return { ...place, what, fix: `${didYouMean(name, [...new Set(similar)])}${fix}` };
}

function rollOf(kind: Party["kind"], connection: string, answers: LiveAnswers): Roll | undefined {
  const answer = answers.get(connection);
  return { group: answer?.groups, person: answer?.people, mention: answer?.mentions }[kind];
}

/** Undefined where the system did not say. */
function standingIn(
  { kind, name }: { kind: Party["kind"]; name: string },
  connection: string,
  { named, answers }: Asked,
): Standing | undefined {
  if (kind !== "person" && isGroupChoice(name, named, { connection, answer: answers.get(connection) })) return "active";
  return rollOf(kind, connection, answers)?.standing.get(name);
}

/** A site may keep its groups as the choices of a field: then these are the names, or any is where they cannot be seen. */
function isGroupChoice(
  name: string,
  { mappings }: Named,
  { connection, answer }: { connection: string; answer: LiveAnswer | undefined },
): boolean {
  if (!answer) return false;
  return mappings.some(({ uses, sourceOf }) => {
    const source = sourceOf("assignmentGroup");
    if (source === "any") return uses.some((use) => use.connection === connection);
    if (typeof source !== "object" || !("list" in source)) return false;
    const own = uses.filter((use) => use.connection === connection);
    return own.some(({ record }) => answer.records.get(record)?.lists.get(source.list)?.offered.includes(name) ?? true);
  });
}

function goneRecords({ settings }: Named, answers: LiveAnswers): Problem[] {
  return [...answers].flatMap(([connection, answer]) =>
    [...(answer?.records ?? [])].flatMap(([record, { gone }]) => {
      const place: Place = placeOf(settings, ["connections", connection, "records", record], "key");
      return gone ? [{ ...place, ...gone }] : [];
    }),
  );
}

/** `a`, `a or b`, `a, b or c`. */
function either(names: readonly string[]): string {
  const last = names.at(-1) ?? "";
  return names.length < 2 ? last : `${names.slice(0, -1).join(", ")} or ${last}`;
}
