import { z } from "zod";

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(?:(\d{1,5})d)?(?:(\d{1,5})h)?(?:(\d{1,5})m)?(?:(\d{1,5})s)?$/;

const LENGTH = "a length of time such as 30m, 4h or 2d";

/** `90m`, `4h`, `2d12h` as an admin writes it; milliseconds for us. A day is 24 hours. */
export const DurationMs = z.string({ error: LENGTH }).transform((text, context): number => {
  const parts = DURATION.exec(text);
  const [, days, hours, minutes, seconds] = parts ?? [];
  const ms = [days, hours, minutes, seconds].reduce(
    (sum, part, at) => sum + Number(part ?? 0) * (Object.values(UNITS).reverse()[at] ?? 0),
    0,
  );
  if (parts && ms > 0) return ms;
  context.addIssue({ code: "custom", message: "is not a length of time", params: { fix: LENGTH } });
  return z.NEVER;
});

/** A length of time in the same words. */
export function durationText(ms: number): string {
  const parts = Object.entries(UNITS)
    .reverse()
    .reduce<{ left: number; text: string }>(
      ({ left, text }, [unit, size]) => {
        const count = Math.floor(left / size);
        return { left: left - count * size, text: count > 0 ? `${text}${count}${unit}` : text };
      },
      { left: Math.max(0, ms), text: "" },
    );
  return parts.text === "" ? "0s" : parts.text;
}
