import { z } from "zod";
import { type Clock, inZone } from "../../core/clock.ts";
import { ConnectorError } from "../../core/errors.ts";
import type { ChangedPage, ChangedRecord, Log } from "../../core/ports.ts";
import type { JiraApi } from "./api.ts";
import { oddAnswer } from "./faults.ts";
import { projectOf } from "./shape.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A zone that was asked for so long ago is asked for again: it is what every time of a query means. */
const ZONE_KNOWN_MS = 60_000;
/** A cursor as it is stored: the minute, its zone, and the place within it. */
const PLACE = /^(\d{4}-\d\d-\d\d \d\d:\d\d) (\S+)(?: (.+))?$/;
const START_LENGTH = 16;

const Myself = z.looseObject({ timeZone: z.string().refine(isZone) });
const Row = z.looseObject({
  id: z.string().regex(/^\d{1,19}$/),
  key: z.string().min(1),
  fields: z.looseObject({ updated: z.string().optional(), created: z.string().optional() }),
});

/** A walk through a project by one of its issues' times, from an hour on. */
interface Walk {
  by: "updated" | "created";
  project: string;
  sinceMs: number;
}

/** An issue of a walk, with its time as Jira wrote it. */
export interface FoundIssue {
  id: string;
  key: string;
  time: string;
  atMs: number;
}

interface FoundPage {
  issues: FoundIssue[];
  next: string | undefined;
}

export interface FeedDeps {
  api: JiraApi;
  clock: Clock;
  log: Log;
}

/** Where a page begins: a minute by the account's clock, and a place behind it where one minute holds many pages. */
interface Cursor {
  start: string;
  /** The account's zone that `start` was computed with: by another's clock the same minute is another time. */
  zone: string;
  token: string | undefined;
}

/**
 * Walks through a project by a time, oldest first, for sweeps and for what looks back. A page may repeat what the one
 * before it had; none leaves anything out.
 */
export class JiraFeed {
  readonly #deps: FeedDeps;
  #zone: { name: string; askedAtMs: number } | undefined;
  #warned = false;

  constructor(deps: FeedDeps) {
    this.#deps = deps;
  }

  /** See `ChangeFeed`. */
  async changed(projectKey: string, sinceMs: number, after?: string): Promise<ChangedPage> {
    const { issues, next } = await this.#walk({ by: "updated", project: projectKey, sinceMs }, after);
    const records = issues.map(
      ({ id, key, time, atMs }): ChangedRecord => ({ type: "issue", id, key, revision: time, updatedAtMs: atMs }),
    );
    return { records, next };
  }

  /** Issues that were opened at or after a time. */
  opened(projectKey: string, sinceMs: number, after?: string): Promise<FoundPage> {
    return this.#walk({ by: "created", project: projectKey, sinceMs }, after);
  }

  /** About how many of them there are. */
  async openedCount(projectKey: string, sinceMs: number): Promise<number> {
    const walk: Walk = { by: "created", project: projectKey, sinceMs };
    this.#refuseOddKey(projectKey);
    const { start } = beginningOf(sinceMs, await this.#currentZone(ZONE_KNOWN_MS));
    return this.#deps.api.send("count", (routes) => routes.count(jqlOf(walk, start)));
  }

  identity(): Promise<string> {
    return this.#deps.api.send("identity", (routes) => routes.identity());
  }

  /** Jira reads times in queries to the minute and by the account's own clock. */
  async #walk(walk: Walk, after: string | undefined): Promise<FoundPage> {
    const { project, sinceMs } = walk;
    this.#refuseOddKey(project);
    const known = after === undefined ? undefined : this.#cursorOf(after);
    const zone = await this.#currentZone(ZONE_KNOWN_MS);
    if (known && known.zone !== zone)
      throw this.#protocol(`was to go on from a place in ${known.zone}, but its account is in ${zone} now; start anew`);
    if (known) return this.#page(walk, known);
    const first = await this.#page(walk, beginningOf(sinceMs, zone));
    if (first.issues.length > 0 || first.next !== undefined) return first;
    // Nobody sees no issues either, and a changed zone asks for another time: nothing is believed before we know who asks.
    const now = await this.#currentZone(0);
    return now === zone ? first : this.#page(walk, beginningOf(sinceMs, now));
  }

  async #page(walk: Walk, cursor: Cursor): Promise<FoundPage> {
    const { by, sinceMs } = walk;
    const { start, token } = cursor;
    const jql = `${jqlOf(walk, start)} ORDER BY ${by} ASC, key ASC`;
    const page = await this.#deps.api.send("feed", (routes) => routes.search({ jql, fields: [by], after: token }));
    const found = page.issues.map((issue) => this.#found(walk, issue));
    const issues = found.filter(({ atMs }) => atMs >= sinceMs);
    if (page.next === undefined) return { issues, next: undefined };
    return { issues, next: nextOf(found, { ...cursor, token: page.next }) };
  }

  #found({ by, project }: Walk, issue: unknown): FoundIssue {
    const row = Row.safeParse(issue);
    const time = row.data?.fields[by];
    const atMs = Date.parse(time ?? "");
    if (!row.success || time === undefined || Number.isNaN(atMs)) throw oddAnswer(this.#deps.api.connection, "feed");
    const { id, key } = row.data;
    if (projectOf(key).toUpperCase() !== project.toUpperCase())
      throw this.#protocol(
        `answered a search of project ${project} with an issue of another project; correct its key in records`,
      );
    return { id, key, time, atMs };
  }

  #refuseOddKey(projectKey: string): void {
    if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(projectKey)) throw this.#protocol("was to be asked about no project key");
  }

  #cursorOf(after: string): Cursor {
    const [, start, zone, token] = PLACE.exec(after) ?? [];
    if (start === undefined || zone === undefined || !isZone(zone))
      throw this.#protocol("was to go on from a place that is none of its own");
    return { start, zone, token };
  }

  async #currentZone(knownMs: number): Promise<string> {
    const { api, clock, log } = this.#deps;
    if (this.#zone && clock.now() - this.#zone.askedAtMs < knownMs) return this.#zone.name;
    const askedAtMs = clock.now();
    const { timeZone } = await api.ask("who_am_i", Myself, (routes) => routes.myself());
    this.#zone = { name: timeZone, askedAtMs };
    if (!this.#warned && !isUtc(timeZone, askedAtMs)) {
      this.#warned = true;
      const advice = "the integration account is not in UTC; sweeps compute with its zone, set its profile to UTC";
      log.warn(advice, { connection: api.connection, timeZone });
    }
    return timeZone;
  }

  #protocol(what: string): ConnectorError {
    const { connection } = this.#deps.api;
    return new ConnectorError({ kind: "protocol", connection, message: `${connection} ${what}` });
  }
}

function jqlOf({ by, project }: Walk, start: string): string {
  return `project = "${project}" AND ${by} >= "${start}"`;
}

function beginningOf(sinceMs: number, zone: string): Cursor {
  return { start: startOf(sinceMs, zone), zone, token: undefined };
}

/**
 * A page goes on from the last minute it reached. That holds however an index shifts under edits, which a place in a
 * list does not; such a place is used within a minute only.
 */
function nextOf(found: readonly FoundIssue[], { start, zone, token }: Cursor): string {
  const last = found.at(-1);
  const reached = last === undefined ? "" : startOf(last.atMs, zone, 0);
  return reached > start ? `${reached} ${zone}` : `${start} ${zone} ${token}`;
}

/**
 * A minute by the zone's clock that is not after `atMs`, whichever way Jira reads it: where the clocks are changed
 * nearby, so early that the hour that comes twice is left behind.
 */
function startOf(atMs: number, zone: string, earlyMs = MINUTE_MS): string {
  const nearChange = offsetMs(atMs - 3 * HOUR_MS, zone) !== offsetMs(atMs + 3 * HOUR_MS, zone);
  const startMs = atMs - (nearChange ? 6 * HOUR_MS : earlyMs);
  return inZone(new Date(startMs), zone).toISOString().slice(0, START_LENGTH).replace("T", " ");
}

function offsetMs(atMs: number, zone: string): number {
  const whole = Math.floor(atMs / 1_000) * 1_000;
  return inZone(new Date(whole), zone).getTime() - whole;
}

function isUtc(zone: string, nowMs: number): boolean {
  // A zone that is at UTC in winter only is none.
  return [0, 91, 182, 273].every((days) => offsetMs(nowMs + days * 24 * HOUR_MS, zone) === 0);
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
