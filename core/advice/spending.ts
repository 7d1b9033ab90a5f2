import { type Budgets, type Caps, spanAt } from "./budget.ts";
import { amountText } from "./money.ts";
import type { AdviceMemory, Demotion } from "./remembered.ts";
import { type Restored, Trust } from "./trust.ts";

/** One account in the hour or the day that is now. Amounts are millionths of the currency, and the same as text. */
export interface SpendingLine {
  /** As in `SpendLine`. */
  scope: string;
  length: "hour" | "day";
  span: string;
  micros: number;
  amount: string;
  /** Null where there is none. */
  capMicros: number | null;
  cap: string | null;
  calls: number;
}

/** What advice costs just now, and which classes of answers are only suggested since outcomes refuted them. */
export interface Spending {
  enabled: boolean;
  /** Null where AI is not configured. */
  currency: string | null;
  /** UTC: `2026-01-31T09`. */
  hour: string;
  /** UTC: `2026-01-31`. */
  day: string;
  lines: SpendingLine[];
  demoted: Demotion[];
}

export interface SpendingAsked {
  memory: Pick<AdviceMemory, "spent" | "demotions">;
  /** Undefined where AI is not configured, or switched off. */
  budgets: Budgets | undefined;
  currency: string | undefined;
  /** Daily caps of rules of autonomy.yaml, in micros. */
  rules: readonly { rule: string; dayMax: number }[];
  restored: readonly Restored[];
  nowMs: number;
}

/**
 * All accounts that something is booked on in this hour and this day, and those that have a cap. What is under way counts
 * with its worst case, since that is what the caps are held against. Of advice that is off nothing is listed.
 */
export async function spendingNow(asked: SpendingAsked): Promise<Spending> {
  const { memory, budgets, currency = null, rules, restored, nowMs } = asked;
  const spans = { hour: spanAt(nowMs, "hour"), day: spanAt(nowMs, "day") };
  if (!budgets) return { enabled: false, currency, ...spans, lines: [], demoted: [] };
  const caps = capsByScope(budgets, rules);
  const spent = await memory.spent([spans.hour, spans.day]);
  const lines = (["hour", "day"] as const).flatMap((length) => {
    const booked = new Map(spent.filter(({ span }) => span === spans[length]).map((each) => [each.scope, each]));
    const capped = [...caps].flatMap(([scope, its]) => (its[length] === undefined ? [] : [scope]));
    return [...new Set([...booked.keys(), ...capped])].sort().map((scope): SpendingLine => {
      const { micros = 0, calls = 0 } = booked.get(scope) ?? {};
      const capMicros = caps.get(scope)?.[length] ?? null;
      const texts = { amount: amountText(micros), cap: capMicros === null ? null : amountText(capMicros) };
      return { scope, length, span: spans[length], micros, capMicros, calls, ...texts };
    });
  });
  const found = await memory.demotions();
  const trust = new Trust(new Map(), () => restored);
  trust.know(found);
  const demoted = found.filter((each) => trust.isDemoted(each));
  return { enabled: true, currency, ...spans, lines, demoted };
}

/** Under the names that `spendLines` books on. */
function capsByScope(budgets: Budgets, rules: SpendingAsked["rules"]): Map<string, Caps> {
  const { steps, connections, teams } = budgets;
  const named = { step: steps, connection: connections, team: teams };
  return new Map<string, Caps>([
    ["all", budgets],
    ...Object.entries(named).flatMap(([kind, sets]) =>
      Object.entries(sets).map(([name, caps]): [string, Caps] => [`${kind}/${name}`, caps]),
    ),
    ...rules.map(({ rule, dayMax }): [string, Caps] => [`autonomy/${rule}`, { day: dayMax }]),
  ]);
}
