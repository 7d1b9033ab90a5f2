import ICAL from "ical.js";
import { DateTime, IANAZone } from "luxon";
import { z } from "zod";
import { localInstant, overlaps, Zone } from "./calendar.ts";
import { DurationMs } from "./duration.ts";

/** Occurrences of a rule that are looked at, at the most, from its start to the span that is asked about: a century of days. */
const OCCURRENCES_MAX = 36_600;
const ICS_EVENTS_MAX = 2_000;

const LocalTime = z.string().superRefine((value, context) => {
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(value) && localInstant(value, "Etc/UTC") !== undefined) return;
  context.addIssue({
    code: "custom",
    message: "is not a local time",
    params: { fix: "the hour as the zone's own clock shows it, such as 2026-12-20T18:00" },
  });
});

const Rrule = z.string().superRefine((value, context) => {
  const fault = rruleFault(value);
  if (fault)
    context.addIssue({ code: "custom", message: fault, params: { fix: "a rule such as FREQ=WEEKLY;BYDAY=FR" } });
});

/** A time that comes once, comes again by a rule, or stands in a calendar file beside the policy. */
export const WindowFile = z.union([
  z.strictObject({ zone: Zone, start: LocalTime, end: LocalTime }),
  z.strictObject({ zone: Zone, start: LocalTime, for: DurationMs, rrule: Rrule }),
  z.strictObject({
    /** File beside the policy, such as `freezes.ics`. Every event must say its zone, or be in UTC. */
    ics: z.string().regex(/^[\w.-]+\.ics$/, "the name of an .ics file beside this one"),
  }),
]);
export type WindowFile = z.infer<typeof WindowFile>;

export interface Span {
  fromMs: number;
  toMs: number;
}

/** Times that are shut. Instants are milliseconds since 1970. */
export interface Window {
  /**
   * The first span that shares time with the one asked about; an instant is a span of no length. `unknown`: so far from
   * the start that it was not looked for.
   */
  overlapping(asked: Span): Span | "unknown" | undefined;
  /** When it is over for good; undefined where it comes again without end. */
  lastMs: number | undefined;
}

/** The window that a checked entry describes. `ics` is the text of the file it names. Throws an Error that says what is wrong. */
export function windowOf(file: WindowFile, ics?: string): Window {
  if ("ics" in file) return joined(eventsOf(ics ?? ""));
  const fromMs = localInstant(file.start, file.zone) ?? Number.NaN;
  if ("rrule" in file) return recurring(file.rrule, file.start, file.zone, file.for);
  const toMs = localInstant(file.end, file.zone) ?? Number.NaN;
  if (!(toMs > fromMs)) throw new Error("the window ends before it begins");
  return once({ fromMs, toMs });
}

function once(span: Span): Window {
  return { overlapping: (asked) => (overlaps(asked, span) ? span : undefined), lastMs: span.toMs };
}

function joined(windows: readonly Window[]): Window {
  const lasts = windows.map(({ lastMs }) => lastMs);
  return {
    overlapping(asked) {
      const found = windows.map((window) => window.overlapping(asked)).filter((span) => span !== undefined);
      const known = found.filter((span) => span !== "unknown").sort((a, b) => a.fromMs - b.fromMs);
      return known[0] ?? found[0];
    },
    lastMs: lasts.includes(undefined) ? undefined : Math.max(...lasts.map((last) => last ?? 0)),
  };
}

/** Every occurrence begins at the same hour on the zone's own clock, whatever daylight saving does in between. */
function recurring(rrule: string, start: string, zone: string, forMs: number): Window {
  const recur = ICAL.Recur.fromString(rrule);
  const first = ICAL.Time.fromDateTimeString(start.length === 16 ? `${start}:00` : start);
  const instantOf = (time: ICAL.Time): number =>
    DateTime.fromObject(
      {
        year: time.year,
        month: time.month,
        day: time.day,
        hour: time.hour,
        minute: time.minute,
        second: time.second,
      },
      { zone },
    ).toMillis();
  const untilMs = recur.until ? untilOf(recur.until, zone) : Number.POSITIVE_INFINITY;
  const ends = recur.count !== null || recur.until !== null;
  // The library compares a local hour with an hour in UTC as if both were local, so the end is watched here.
  recur.until = null;
  const iterator = recur.iterator(first);
  // Found once, in order; what was found never changes.
  const known: Span[] = [];
  let over = false;

  /** Finds occurrences until one begins after an hour; false where there are too many. */
  function reach(ms: number): boolean {
    while (!over && (known.at(-1)?.fromMs ?? Number.NEGATIVE_INFINITY) <= ms) {
      if (known.length >= OCCURRENCES_MAX) return false;
      const next = iterator.next();
      const fromMs = next ? instantOf(next) : Number.POSITIVE_INFINITY;
      if (fromMs <= untilMs && next) known.push({ fromMs, toMs: fromMs + forMs });
      else over = true;
    }
    return true;
  }
  return {
    overlapping(asked) {
      const reached = reach(Math.max(asked.fromMs, asked.toMs));
      return known.find((span) => overlaps(asked, span)) ?? (reached ? undefined : "unknown");
    },
    lastMs: ends && reach(Number.MAX_SAFE_INTEGER) ? (known.at(-1)?.toMs ?? 0) : undefined,
  };
}

/** The last hour at which an occurrence may begin. A day without an hour counts to its end. */
function untilOf(until: ICAL.Time, zone: string): number {
  if (until.isDate) return (localInstant(iso(until), zone) ?? Number.NaN) + DAY_MS - 1;
  return localInstant(iso(until), until.zone?.tzid === "UTC" ? "Etc/UTC" : zone) ?? Number.NaN;
}

const DAY_MS = 86_400_000;

/** What may stand in a rule of each frequency; the library walks for ever over some of the rest. */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  DAILY: ["BYDAY"],
  WEEKLY: ["BYDAY"],
  MONTHLY: ["BYDAY", "BYMONTHDAY", "BYSETPOS"],
  YEARLY: ["BYMONTH", "BYMONTHDAY", "BYDAY"],
};

const LONGEST = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Whether some month it names has some day it names. */
function hasDay({ BYMONTH, BYMONTHDAY }: Readonly<Record<string, unknown>>): boolean {
  const numbers = (value: unknown): number[] => [value].flat().map(Number);
  const lengths = BYMONTH === undefined ? LONGEST : numbers(BYMONTH).map((month) => LONGEST[month - 1] ?? 0);
  return numbers(BYMONTHDAY).some((day) => lengths.some((length) => day !== 0 && Math.abs(day) <= length));
}

function rruleFault(text: string): string | undefined {
  try {
    const recur = ICAL.Recur.fromString(text);
    // Below a day, thousands of occurrences would have to be walked to answer one question.
    const known = PARTS[recur.freq];
    if (!recur.freq) return "is not a recurrence rule";
    if (!known) return "comes again too often";
    const part = Object.keys(recur.parts).find((name) => !known.includes(name));
    if (part !== undefined) return `has ${part}, which is not understood with FREQ=${recur.freq}`;
    if (Object.hasOwn(recur.parts, "BYMONTHDAY") && !hasDay(recur.parts)) return "names a day that never comes";
    // It is walked once here, so that nothing in it can fail when a ticket is decided on.
    const first = ICAL.Recur.fromString(text).iterator(ICAL.Time.fromDateTimeString("2026-01-01T00:00:00"));
    return first.next() ? undefined : "never comes";
  } catch {
    return "is not a recurrence rule";
  }
}

/** What would move, add or take away single dates. */
const UNREAD = ["rdate", "exdate", "exrule", "recurrence-id"] as const;

function eventsOf(text: string): Window[] {
  const calendar = new ICAL.Component(ICAL.parse(text));
  const events = calendar.getAllSubcomponents("vevent");
  if (events.length === 0) throw new Error("the calendar file holds no event");
  if (events.length > ICS_EVENTS_MAX) throw new Error(`the calendar file holds more than ${ICS_EVENTS_MAX} events`);
  return events.map((component) => {
    const event = new ICAL.Event(component);
    const extra = UNREAD.find((name) => component.getFirstProperty(name));
    if (extra !== undefined) {
      const what = `the event "${event.summary}" has ${extra.toUpperCase()}, which is not understood`;
      throw new Error(`${what}; write such dates as events of their own`);
    }
    const zone = zoneOf(event, "dtstart");
    const start = iso(event.startDate);
    const startMs = localInstant(start, zone) ?? Number.NaN;
    // By both ends' own clocks: between them the hour may change, and they may be in two zones.
    const lengthMs = component.getFirstProperty("dtend")
      ? (localInstant(iso(event.endDate), zoneOf(event, "dtend")) ?? Number.NaN) - startMs
      : event.duration.toSeconds() * 1_000;
    if (!(lengthMs > 0)) throw new Error(`the event "${event.summary}" has no length`);
    const rrule = component.getFirstPropertyValue("rrule");
    if (!(rrule instanceof ICAL.Recur)) return once({ fromMs: startMs, toMs: startMs + lengthMs });
    const fault = rruleFault(rrule.toString());
    if (fault) throw new Error(`the recurrence of the event "${event.summary}" ${fault}`);
    return recurring(rrule.toString(), start, zone, lengthMs);
  });
}

function iso(time: ICAL.Time): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${time.year}-${two(time.month)}-${two(time.day)}T${two(time.hour)}:${two(time.minute)}:${two(time.second)}`;
}

/** An event without a zone is another time for everyone who reads it. */
function zoneOf(event: ICAL.Event, end: "dtstart" | "dtend"): string {
  const { zone } = end === "dtstart" ? event.startDate : event.endDate;
  // The zone is named with the date, whether or not the file describes it as well.
  const tzid = event.component.getFirstProperty(end)?.getFirstParameter("tzid");
  const name = tzid || (zone?.tzid ?? "floating");
  if (name === "UTC" || name === "Z") return "Etc/UTC";
  if (name !== "floating" && IANAZone.isValidZone(name)) return name;
  throw new Error(
    `the event "${event.summary}" has ${name === "floating" ? "no time zone" : `the unknown zone ${name}`}`,
  );
}
