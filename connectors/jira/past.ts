import { z } from "zod";
import { instant } from "../../core/clock.ts";
import { ConnectorError } from "../../core/errors.ts";
import type { PastRecord, PastVersion, PastWanted } from "../../core/ports.ts";
import { type Edit, leadsOn, type Stand, standsOf } from "../versions.ts";
import type { JiraApi } from "./api.ts";
import type { FoundIssue, JiraFeed } from "./feed.ts";
import { type HistoryItem, headOf } from "./history.ts";
import { KnownValues, type Side, sameSide, shownAs, standsThere } from "./past-value.ts";
import { Issues, unreadIds } from "./shape.ts";

const HISTORY_PAGES_MAX = 500;
/** An entry of the history is written a moment before or after the issue that it belongs to. */
const LATE_MS = 2_000;

const CUT = "was cut off by Jira";
const OTHERWISE = "is not told whole by Jira's history";

const People = z.array(z.looseObject({ displayName: z.string() }));
const Fields = z.looseObject({ updated: z.string(), created: z.string() });

type Fields = z.infer<typeof Fields>;
type JiraEdit = Edit<Side>;

/** What a walk through the past of one project needs and finds out. */
interface Reading {
  api: JiraApi;
  wanted: PastWanted;
  /** Fields that a mapping reads and that can change. */
  watched: readonly string[];
  people: ReadonlySet<string>;
  known: KnownValues;
  /** People that were asked for, whether or not there are any. */
  asked: Set<string>;
  mayLookUp: boolean;
  unrecorded: number;
}

interface Issue extends Pick<FoundIssue, "id" | "key"> {
  fields: Fields;
}

/**
 * Issues of a project by the hour at which they were opened, each with what its changelog says it went through. What
 * has an id there is shown as issues show it today; where none does, in the words of the changelog.
 */
export async function* pastIssues(
  { api, feed }: { api: JiraApi; feed: JiraFeed },
  wanted: PastWanted,
): AsyncGenerator<PastRecord[], void, undefined> {
  const reading = readingOf(api, wanted);
  const seen = new Set<string>();
  const { recordType, sinceMs, patiently } = wanted;
  let after: string | undefined;
  try {
    do {
      const place: string | undefined = after;
      const page: Awaited<ReturnType<JiraFeed["opened"]>> = await patiently(() =>
        feed.opened(recordType, sinceMs, place),
      );
      after = page.next;
      const fresh = page.issues.filter(({ id }) => !seen.has(id));
      for (const { id } of fresh) seen.add(id);
      for (let start = 0; start < fresh.length; start += api.routes.readMax) {
        const records = await recordsOf(reading, fresh.slice(start, start + api.routes.readMax));
        if (records.length > 0) yield records;
      }
    } while (after !== undefined);
  } finally {
    if (reading.unrecorded > 0)
      wanted.remark(
        `The changelogs of ${reading.unrecorded} issues of ${recordType} do not lead to what stands there now; what they lack counts as changed together with the next change that they have, or the last one.`,
      );
  }
}

function readingOf(api: JiraApi, wanted: PastWanted): Reading {
  const heads = new Set(wanted.reads.map(headOf));
  const people = [...wanted.transforms].filter(([, transform]) => transform === "user").map(([path]) => path);
  return {
    ...{
      api,
      wanted,
      people: new Set(people),
      known: new KnownValues(),
      asked: new Set<string>(),
      mayLookUp: true,
      unrecorded: 0,
    },
    watched: [...heads].filter((field) => !["id", "key", "created", "updated"].includes(field)),
  };
}

async function recordsOf(reading: Reading, found: readonly FoundIssue[]): Promise<PastRecord[]> {
  const { known, watched } = reading;
  const issues = await issuesOf(reading, found);
  for (const { fields } of issues) for (const field of watched) known.learn(field, fields[field]);
  const { items, cut } = await itemsOf(reading, issues);
  const edits = new Map(issues.map((issue) => [issue.id, editsOf(items.get(issue.id) ?? [], issue.fields)]));
  await askForPeople(reading, edits.values());
  return issues.map((issue) => {
    const versions = versionsOf(reading, issue, edits.get(issue.id) ?? []);
    const untold = cut.has(issue.id) ? [{ path: "changelog", why: CUT }] : [];
    const { id, key } = issue;
    return {
      type: "issue",
      id,
      key,
      versions: versions.map((each) => ({ ...each, untold: [...untold, ...each.untold] })),
    };
  });
}

/** Issues as they stand now: the index that searches go by may be behind. Those that are gone by now are left out. */
async function issuesOf({ api, wanted, watched }: Reading, found: readonly FoundIssue[]): Promise<Issue[]> {
  const fields = ["created", "updated", ...watched];
  const ids = found.map(({ id }) => id);
  const answer = await wanted.patiently(async () => {
    const read = await api.ask("read", Issues, (routes) => routes.issues(ids, fields));
    if (unreadIds(read.issueErrors ?? []).size === 0) return read;
    throw fault(api, "unavailable", "could not read some issues just now");
  });
  const byId = new Map(answer.issues.map((issue) => [issue.id, issue]));
  return ids.flatMap((id) => {
    const issue = byId.get(id);
    if (!issue) return [];
    const parsed = Fields.safeParse(issue.fields);
    if (!parsed.success)
      throw fault(api, "protocol", "answered read with an issue that does not say when it was opened");
    return [{ id, key: issue.key, fields: parsed.data }];
  });
}

/** What changed in the issues, oldest first, by issue. */
async function itemsOf(
  { api, wanted, watched }: Reading,
  issues: readonly Issue[],
): Promise<{ items: Map<string, HistoryItem[]>; cut: Set<string> }> {
  const items = new Map<string, HistoryItem[]>();
  const cut = new Set<string>();
  const ids = issues.map(({ id }) => id);
  const { historyFieldsMax } = api.routes;
  for (let start = 0; ids.length > 0 && start < watched.length; start += historyFieldsMax) {
    const fields = watched.slice(start, start + historyFieldsMax);
    let after: string | undefined;
    for (let pages = 0; ; pages += 1) {
      const place: string | undefined = after;
      const page = await wanted.patiently(() =>
        api.send("read_history", ({ histories }) => histories(ids, fields, place)),
      );
      for (const id of page.cut) cut.add(id);
      for (const [id, newestFirst] of page.histories)
        items.set(id, [...(items.get(id) ?? []), ...[...newestFirst].reverse()]);
      after = page.next;
      if (after === undefined) break;
      if (after === place || pages === HISTORY_PAGES_MAX)
        throw fault(api, "protocol", "answered read_history with pages that do not end");
    }
  }
  for (const changed of items.values()) {
    if (changed.some(({ atMs }) => Number.isNaN(atMs)))
      throw fault(api, "protocol", "answered read_history with an entry that does not say when it was made");
    changed.sort((one, other) => one.atMs - other.atMs);
  }
  return { items, cut };
}

/** Edits that came after the issue was read are left out. */
function editsOf(items: readonly HistoryItem[], { updated }: Fields): JiraEdit[] {
  const readMs = Date.parse(updated) + LATE_MS;
  const moments = Map.groupBy(
    items.filter(({ atMs }) => atMs <= readMs),
    ({ atMs }) => atMs,
  );
  return [...moments].map(([atMs, changed]) => ({
    atMs,
    revision: instant(atMs),
    changes: changed.map(({ fieldId, from, fromText, to, toText }) => ({
      field: fieldId,
      before: { id: from, text: fromText },
      after: { id: to, text: toText },
    })),
  }));
}

/** A changelog has people's names of then, but nobody's e-mail. */
async function askForPeople(reading: Reading, all: Iterable<JiraEdit[]>): Promise<void> {
  const { api, wanted, people, known, asked } = reading;
  const changes = [...all].flat().flatMap((edit) => edit.changes.filter(({ field }) => people.has(field)));
  for (const { id } of changes.flatMap(({ before, after }) => [before, after])) {
    if (id === null || id === "" || asked.has(id) || known.of("", id, true) !== undefined) continue;
    if (!reading.mayLookUp) return;
    asked.add(id);
    try {
      const found = await wanted.patiently(() => api.ask("look_up", People, (routes) => routes.people(id)));
      for (const person of found) known.learn("", person);
    } catch (error) {
      if (!(error instanceof ConnectorError) || !["not_found", "rejected"].includes(error.kind)) throw error;
      if (error.kind === "rejected") closePeople(reading);
    }
  }
}

function closePeople(reading: Reading): void {
  reading.mayLookUp = false;
  reading.wanted.remark(
    `${reading.api.connection} does not let the integration account look people up (Browse users and groups): assignees and reporters of the past whom no issue shows now are told without their e-mail.`,
  );
}

function versionsOf(reading: Reading, { id, key, fields }: Issue, edits: readonly JiraEdit[]): PastVersion[] {
  const { transforms } = reading.wanted;
  const opened = { atMs: Date.parse(fields.created), revision: fields.created };
  if (!leadsOn(edits, sameSide, (field, side) => standsThere(side, fields[field], transforms.get(field))))
    reading.unrecorded += 1;
  return standsOf(opened, edits).map((stand) => {
    const { past, untold } = pastFields(reading, stand);
    const record = { ...fields, ...past, id, key, updated: instant(stand.atMs) };
    return { atMs: stand.atMs, revision: stand.revision, record, untold };
  });
}

function pastFields(
  { api, wanted: { transforms, reads }, people, known }: Reading,
  { past }: Stand<Side>,
): { past: Record<string, unknown>; untold: { path: string; why: string }[] } {
  const fields: Record<string, unknown> = {};
  const untold: { path: string; why: string }[] = [];
  for (const [field, side] of past) {
    const today = known.of(field, side.id, people.has(field));
    const shown = shownAs(field, side, { transforms, reads, today, personKey: api.routes.person.recorded });
    fields[field] = shown.raw;
    for (const path of shown.untold) untold.push({ path, why: OTHERWISE });
  }
  return { past: fields, untold };
}

function fault({ connection }: JiraApi, kind: "protocol" | "unavailable", what: string): ConnectorError {
  return new ConnectorError({ kind, connection, message: `${connection} ${what}` });
}
