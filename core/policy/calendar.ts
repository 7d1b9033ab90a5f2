import { DateTime, IANAZone } from "luxon";
import { z } from "zod";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
/** Longer than any clock runs; a calendar that opens less often than once in that time never ends one. */
const DAYS_MAX = 3_660;

function rule(check: (value: string) => boolean, what: string, fix: string) {
  return z.string({ error: fix }).superRefine((value, context) => {
    if (!check(value)) context.addIssue({ code: "custom", message: what, params: { fix } });
  });
}

/** An IANA zone. Offsets and abbreviations do not know daylight saving, and a floating time means something else to everyone. */
export const Zone = rule(
  (zone) => zone.includes("/") && IANAZone.isValidZone(zone),
  "is not a time zone",
  "an IANA name such as Europe/Berlin (Etc/UTC for UTC)",
);

const Hours = rule(
  (text) => hoursOf(text) !== undefined,
  "is not a span of hours",
  'from-to in 24 hours, such as "08:00-18:00" or "00:00-24:00"',
);

/** When time counts: hours of the week in a zone, less holidays. */
export const CalendarFile = z.strictObject({
  zone: Zone,
  /** Day or days (`mon`, `mon-fri`, `sat,sun`) → hours. A day that is not named is closed. */
  hours: z
    .record(
      rule((days) => daysOf(days) !== undefined, "is not a day", "mon, mon-fri or sat,sun"),
      Hours,
    )
    .superRefine((hours, context) => {
      const seen = new Set<number>();
      for (const day of Object.keys(hours).flatMap((days) => daysOf(days) ?? [])) {
        const params = { fix: "one span of hours for every day" };
        const message = `names ${DAYS[day - 1] ?? day} twice`;
        // Which of the two counts would hang on the order of the lines.
        if (seen.has(day)) context.addIssue({ code: "custom", message, params });
        seen.add(day);
      }
    }),
  /** Days of the calendar's own zone on which it is closed. */
  holidays: z.array(z.iso.date()).max(2_000).default([]),
});
export type CalendarFile = z.infer<typeof CalendarFile>;

/** Counts time as a calendar does. Instants are milliseconds since 1970. */
export interface Calendar {
  /** Milliseconds between two instants that count; 0 when `toMs` is not later. */
  between(fromMs: number, toMs: number): number;
  /** The instant at which `countedMs` have counted since `fromMs`; undefined where it never comes. */
  after(fromMs: number, countedMs: number): number | undefined;
}

/** The open hours of the calendar's day that holds an instant, and the start of the next day. */
interface Day {
  start: number;
  from: number;
  to: number;
  next: number;
}

const DAY_MS = 86_400_000;
/** Days of a calendar that are kept worked out: more than ten years. */
const DAYS_KEPT_MAX = 4_000;

/** Every hour counts. */
export const ALWAYS: Calendar = {
  between: (fromMs, toMs) => Math.max(0, toMs - fromMs),
  after: (fromMs, countedMs) => fromMs + countedMs,
};

/** A calendar over the hours of a zone. On the nights when clocks change it counts the time that really passed. */
export function calendarOf({ zone, hours, holidays }: CalendarFile): Calendar {
  const closed = new Set(holidays);
  const open = new Map<number, [number, number]>();
  for (const [days, span] of Object.entries(hours)) {
    const minutes = hoursOf(span);
    for (const day of daysOf(days) ?? []) if (minutes) open.set(day, minutes);
  }

  // A day is looked up for every clock of every look; working one out in its zone takes far longer than the rest.
  const known = new Map<number, Day[]>();
  function dayAt(ms: number): Day {
    const utcDay = Math.floor(ms / DAY_MS);
    const days = known.get(utcDay) ?? [];
    const found = days.find(({ start, next }) => start <= ms && ms < next);
    if (found) return found;
    const day = workedOut(ms);
    if (known.size >= DAYS_KEPT_MAX) known.clear();
    known.set(utcDay, [...days, day]);
    return day;
  }

  function workedOut(ms: number): Day {
    const start = DateTime.fromMillis(ms, { zone }).startOf("day");
    const next = start.plus({ days: 1 }).startOf("day").toMillis();
    const span = closed.has(start.toISODate() ?? "") ? undefined : open.get(start.weekday);
    if (!span) return { start: start.toMillis(), from: next, to: next, next };
    const at = (minutes: number): number =>
      minutes === 1_440 ? next : start.set({ hour: Math.floor(minutes / 60), minute: minutes % 60 }).toMillis();
    return { start: start.toMillis(), from: at(span[0]), to: at(span[1]), next };
  }

  return {
    between(fromMs, toMs) {
      let counted = 0;
      let at = fromMs;
      for (let days = 0; at < toMs && days < DAYS_MAX; days += 1) {
        const { from, to, next } = dayAt(at);
        counted += Math.max(0, Math.min(to, toMs) - Math.max(from, at));
        at = next;
      }
      return counted;
    },
    after(fromMs, countedMs) {
      let left = countedMs;
      let at = fromMs;
      for (let days = 0; days < DAYS_MAX; days += 1) {
        const { from, to, next } = dayAt(at);
        const start = Math.max(from, at);
        if (to > start && to - start >= left) return start + left;
        left -= Math.max(0, to - start);
        at = next;
      }
      return undefined;
    },
  };
}

/** An hour as people in a zone write it, `2026-12-20T18:00`, as an instant; undefined where it is no hour. */
export function localInstant(text: string, zone: string): number | undefined {
  const at = DateTime.fromISO(text, { zone });
  return at.isValid ? at.toMillis() : undefined;
}

/** Whether two spans share any time. */
export function overlaps(a: { fromMs: number; toMs: number }, b: { fromMs: number; toMs: number }): boolean {
  if (a.fromMs >= a.toMs) return a.fromMs >= b.fromMs && a.fromMs < b.toMs;
  return a.fromMs < b.toMs && b.fromMs < a.toMs;
}

/** Minutes of the day; undefined where the text is no span. */
function hoursOf(text: string): [number, number] | undefined {
  const parts = /^([01]\d|2[0-3]):([0-5]\d)-(([01]\d|2[0-3]):([0-5]\d)|24:00)$/.exec(text);
  if (!parts) return undefined;
  const from = Number(parts[1]) * 60 + Number(parts[2]);
  const to = parts[3] === "24:00" ? 1_440 : Number(parts[4]) * 60 + Number(parts[5]);
  return to > from ? [from, to] : undefined;
}

/** ISO week days, 1 Monday ... 7 Sunday. */
function daysOf(text: string): number[] | undefined {
  const found: number[] = [];
  for (const part of text.split(",")) {
    const [first, last = first, more] = part
      .trim()
      .split("-")
      .map((day) => (DAYS as readonly string[]).indexOf(day) + 1);
    if (!first || !last || more !== undefined || last < first) return undefined;
    for (let day = first; day <= last; day += 1) found.push(day);
  }
  return found;
}
