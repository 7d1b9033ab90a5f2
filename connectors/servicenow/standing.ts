import type { Roll, Standing } from "../../core/live/answer.ts";
import type { InspectedRow, Inspection, RowsWanted } from "./inspect.ts";
import { type Condition, isAskable } from "./query.ts";
import { inChunks, SYS_ID } from "./table.ts";

/** Names of one question, so that its address stays short of what fronts refuse. */
const TOGETHER_MAX = 20;
const BYTES_MAX = 1_000;
const ROWS_MAX = 1_000;
/** Names that could have been meant, of which the nearest is shown. */
const SIMILAR_MAX = 2_000;
/** Unknown people for whom somebody near is looked for. */
const GUESSED_MAX = 10;
const START_LENGTH = 3;

/** How names of groups stand: exactly so named, in upper and lower case too, since tickets are compared by it. */
export async function groupsStanding(ours: Inspection, names: readonly string[]): Promise<Roll> {
  const rows = await rowsOf(ours, names, {
    ...{ table: "sys_user_group", fields: ["name", "active"] },
    columns: () => ["name"],
  });
  const standing = standingOf(names, (name) => rows.filter((row) => row["name"] === name));
  if (!missesSome(standing)) return { standing, similar: [] };
  const query = { where: [{ field: "active", is: "=" as const, value: "true" }], order: [{ field: "name" }] };
  const all = await ours.read({ table: "sys_user_group", fields: ["name"], query, limit: SIMILAR_MAX });
  return { standing, similar: all.map((row) => row["name"] ?? "").filter((name) => name !== "") };
}

/** How people stand, by sys_id, e-mail or user name as writes look them up; `byName`: also by what they are called. */
export async function peopleStanding(ours: Inspection, people: readonly string[], byName = false): Promise<Roll> {
  const columns = (who: string): string[] => [columnOf(who), ...(byName ? ["name"] : [])];
  const fields = ["sys_id", "user_name", "email", "name", "active"];
  const rows = await rowsOf(ours, people, { table: "sys_user", fields, columns });
  const standing = standingOf(people, (who) =>
    rows.filter((row) => columns(who).some((column) => row[column]?.toLowerCase() === who.toLowerCase())),
  );
  const unknown = people.filter((who) => standing.get(who) === "unknown").slice(0, GUESSED_MAX);
  return { standing, similar: byName ? [] : await similarPeople(ours, unknown) };
}

function columnOf(who: string): string {
  if (SYS_ID.test(who)) return "sys_id";
  return who.includes("@") ? "email" : "user_name";
}

async function similarPeople(ours: Inspection, unknown: readonly string[]): Promise<string[]> {
  const starts = new Set(unknown.filter((who) => isAskable(who) && !SYS_ID.test(who)));
  if (starts.size === 0) return [];
  const any = [...starts].map((who): Condition => {
    return { field: columnOf(who), is: "STARTSWITH", value: who.slice(0, START_LENGTH) };
  });
  const query = { where: [{ any }, { field: "active", is: "=" as const, value: "true" }] };
  const rows = await ours.read({ table: "sys_user", fields: ["user_name", "email"], query, limit: ROWS_MAX });
  return rows.flatMap((row) => [row["user_name"] ?? "", row["email"] ?? ""]).filter((name) => name !== "");
}

interface Bearers extends Pick<RowsWanted, "table" | "fields"> {
  /** In which columns a name is looked for. */
  columns: (name: string) => readonly string[];
}

/** The rows that bear one of the names in one of its columns, in as few questions as addresses can carry. */
async function rowsOf(
  ours: Inspection,
  names: readonly string[],
  { columns, ...wanted }: Bearers,
): Promise<InspectedRow[]> {
  const rows: InspectedRow[] = [];
  for (const portion of portions(names.filter(isAskable))) {
    const byColumn = new Map<string, string[]>();
    for (const name of portion)
      for (const column of columns(name)) byColumn.set(column, [...(byColumn.get(column) ?? []), name]);
    const any = [...byColumn].flatMap(([field, values]): Condition[] => {
      // A comma ends a value in a list.
      const listed = values.filter((value) => !value.includes(","));
      const single = values.filter((value) => value.includes(","));
      const equal = single.map((value): Condition => ({ field, is: "=", value }));
      return listed.length > 0 ? [{ field, in: listed }, ...equal] : equal;
    });
    rows.push(...(await ours.read({ ...wanted, query: { where: [{ any }] }, limit: ROWS_MAX })));
  }
  return rows;
}

function portions(names: readonly string[]): string[][] {
  const bytes = (name: string): number => Buffer.byteLength(encodeURIComponent(name));
  return inChunks(names, TOGETHER_MAX).flatMap((chunk) => {
    const total = chunk.reduce((sum, name) => sum + bytes(name), 0);
    return total <= BYTES_MAX
      ? [chunk]
      : inChunks(chunk, Math.max(1, Math.floor((TOGETHER_MAX * BYTES_MAX) / total / 2)));
  });
}

function standingOf(names: readonly string[], bearing: (name: string) => InspectedRow[]): Map<string, Standing> {
  return new Map(
    names.map((name): [string, Standing] => {
      if (!isAskable(name)) return [name, "unaskable"];
      const rows = bearing(name);
      const active = rows.filter((row) => row["active"] !== "false").length;
      if (active > 0) return [name, active > 1 ? "several" : "active"];
      return [name, rows.length > 0 ? "inactive" : "unknown"];
    }),
  );
}

function missesSome(standing: ReadonlyMap<string, Standing>): boolean {
  return [...standing.values()].some((stands) => stands !== "active");
}
