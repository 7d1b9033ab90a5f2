import { InvalidArgumentError } from "commander";
import { instant, timeWithZone } from "../core/clock.ts";

/** A time of an option, as the ledger writes it: a day (its beginning in UTC), or a time with its zone. */
export function timeOf(option: string, text: string): string {
  try {
    return instant(timeWithZone(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text).getTime());
  } catch {
    throw new InvalidArgumentError(`${option} "${text}" is no time; write 2026-01-31, or 2026-01-31T09:00:00Z`);
  }
}
