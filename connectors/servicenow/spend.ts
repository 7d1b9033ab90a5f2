import type { Clock } from "../../core/clock.ts";
import { gathered } from "../gathered.ts";
import type { ServiceNowClient } from "./client.ts";
import { isSysId, type Listings, listings, type Row, textOf, timeText } from "./listing.ts";
import { type Portion, wholeRows } from "./whole-rows.ts";

/** Of all people of one call together. */
const ROWS_MAX = 5_000;
/** An amount as the instance stores it, with or without its currency in front: `1899.00`, `EUR;1899.00`. */
const AMOUNT = /^(?:([A-Z]{3})[;\s])?(\d{1,12})(?:\.(\d+))?$/;
/** Amounts are summed up in millionths, so that no part of a cent is lost on the way. */
const DIGITS = 6;
const UNIT = 10n ** BigInt(DIGITS);
const BIGGEST = BigInt(Number.MAX_SAFE_INTEGER);

/** What people order. Read anew every time: whoever orders twice in ten minutes must not be told the sum of before. */
export interface Spend {
  /**
   * What the requested items (`sc_req_item`) opened for a person (sys_id) in this calendar month in UTC cost together:
   * `price` times `quantity`, whatever became of them, in whole units, rounded up. A request that is looked at counts
   * once, like all others of its month. Throws a ConnectorError where not all of them can be seen and summed up.
   */
  ofMonth(userId: string): Promise<number>;
}

export function spend(connection: string, client: ServiceNowClient, clock: Clock): Spend {
  const reader = listings(connection, client);
  const asked = gathered((ids) => wholeRows(reader, requestsSince(monthStart(clock.now())), ids));
  return {
    async ofMonth(userId) {
      if (!isSysId(userId))
        throw reader.fault("rejected", "names a person by something that is no sys_id; map a reference to sys_user");
      return costOf(reader, (await asked(userId)) ?? "incomplete");
    },
  };
}

function requestsSince(start: string) {
  return {
    operation: "read_spend",
    table: "sc_req_item",
    // The person that mappings/servicenow.request.yaml takes for the requester.
    key: "request.requested_for",
    where: [{ field: "opened_at", is: ">=", value: start } as const],
    fields: ["price", "quantity"],
    rowsMax: ROWS_MAX,
  };
}

function monthStart(nowMs: number): string {
  const now = new Date(nowMs);
  return timeText(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1));
}

function costOf(reader: Listings, rows: Portion): number {
  if (rows === "incomplete") {
    const what = `does not show all requests of a person's month, or has more than ${ROWS_MAX} of them`;
    throw reader.fault("rejected", `${what}; give the integration user read on every row of sc_req_item`);
  }
  const costs = rows.map((row) => rowCost(reader, row)).filter(({ millionths }) => millionths > 0n);
  if (new Set(costs.map(({ currency }) => currency)).size > 1)
    throw reader.fault("rejected", "has prices of one person in several currencies, which cannot be summed up");
  const sum = costs.reduce((total, { millionths }) => total + millionths, 0n);
  const units = (sum + UNIT - 1n) / UNIT;
  return Number(units < BIGGEST ? units : BIGGEST);
}

function rowCost(reader: Listings, row: Row): { currency: string; millionths: bigint } {
  for (const field of ["price", "quantity"])
    if (row[field] === undefined)
      throw reader.fault("rejected", `does not show ${field} of sc_req_item; give the integration user read on it`);
  const [, currency = "", whole = "", fraction = ""] = AMOUNT.exec(textOf(row, "price") || "0") ?? [];
  const quantity = textOf(row, "quantity") || "1";
  if (whole === "" || !/^\d{1,9}$/.test(quantity))
    throw reader.fault("protocol", "answered a requested item with a price or a quantity that is no amount");
  // What is finer than a millionth counts as one: a limit is never missed by a fraction.
  const finer = /[1-9]/.test(fraction.slice(DIGITS)) ? 1n : 0n;
  const price = BigInt(whole) * UNIT + BigInt(fraction.slice(0, DIGITS).padEnd(DIGITS, "0")) + finer;
  return { currency, millionths: price * BigInt(quantity) };
}
