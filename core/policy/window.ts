import ICAL from "ical.js";
import { DateTime, IANAZone } from "luxon";
import { z } from "zod";
import { localInstant, overlaps, Zone } from "./calendar.ts";
import { DurationMs } from "./duration.ts";

/** Occurrences of a rule that are looked at, at the most, from its start to the span that is asked about. */
const OCCURRENCES_MAX = 5_000;
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
  /** The first span that shares time with the one asked about; an instant is a span of no length. */
  overlapping(asked: Span): Span | undefined;
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
      return found.sort((a, b) => a.fromMs - b.fromMs)[0];
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
  const until = recur.until ? instantOf(recur.until) + forMs : undefined;
  const ends = recur.count !== null || until !== undefined;

  function spans(untilMs: number): Span[] {
    const found: Span[] = [];
    const iterator = recur.iterator(first);
    for (let count = 0; count < OCCURRENCES_MAX; count += 1) {
      const next = iterator.next();
      if (!next) break;
      const fromMs = instantOf(next);
      if (fromMs > untilMs) break;
      found.push({ fromMs, toMs: fromMs + forMs });
    }
    return found;
  }
  return {
    overlapping: (asked) => spans(Math.max(asked.fromMs, asked.toMs)).find((span) => overlaps(asked, span)),
    lastMs: ends ? (spans(Number.MAX_SAFE_INTEGER).at(-1)?.toMs ?? 0) : undefined,
  };
}

function rruleFault(text: string): string | undefined {
  try {
    const recur = ICAL.Recur.fromString(text);
    // Below a day, thousands of occurrences would have to be walked to answer one question.
    if (!["DAILY", "WEEKLY", "MONTHLY", "YEARLY"].includes(recur.freq)) return "comes again too often";
    return undefined;
  } catch {
    return "is not a recurrence rule";
  }
}

function eventsOf(text: string): Window[] {
  const calendar = new ICAL.Component(ICAL.parse(text));
  const events = calendar.getAllSubcomponents("vevent");
  if (events.length === 0) throw new Error("the calendar file holds no event");
  if (events.length > ICS_EVENTS_MAX) throw new Error(`the calendar file holds more than ${ICS_EVENTS_MAX} events`);
  return events.map((component) => {
    const event = new ICAL.Event(component);
    const zone = zoneOf(event);
    const start = iso(event.startDate);
    const lengthMs = event.duration.toSeconds() * 1_000;
    if (lengthMs <= 0) throw new Error(`the event "${event.summary}" has no length`);
    const rrule = component.getFirstPropertyValue("rrule");
    if (rrule instanceof ICAL.Recur) return recurring(rrule.toString(), start, zone, lengthMs);
    const fromMs = localInstant(start, zone) ?? Number.NaN;
    return once({ fromMs, toMs: fromMs + lengthMs });
  });
}

function iso(time: ICAL.Time): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${time.year}-${two(time.month)}-${two(time.day)}T${two(time.hour)}:${two(time.minute)}:${two(time.second)}`;
}

/** An event without a zone is another time for everyone who reads it. */
function zoneOf(event: ICAL.Event): string {
  const { zone } = event.startDate;
  const name = zone?.tzid ?? "floating";
  if (name === "UTC" || name === "Z") return "Etc/UTC";
  if (name !== "floating" && IANAZone.isValidZone(name)) return name;
  throw new Error(
    `the event "${event.summary}" has ${name === "floating" ? "no time zone" : `the unknown zone ${name}`}`,
  );
}
