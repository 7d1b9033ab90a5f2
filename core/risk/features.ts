import type { ImpactFact } from "../policy/impact.ts";
import type { Ticket } from "../ticket.ts";

/** How a value is turned before it is weighed: damped, as it is, or yes and no. */
export const TRANSFORMS = ["log1p", "identity", "flag"] as const;
export type Transform = (typeof TRANSFORMS)[number];

/** Of the impact fact, what can be counted for changes of the past too; incidents may be unknown there. */
export type RiskHistory = Pick<
  ImpactFact,
  "changes" | "failedChanges" | "groupChanges" | "groupFailed" | "modelChanges" | "modelFailed" | "daysSinceChange"
> &
  Partial<Pick<ImpactFact, "incidents">>;

/**
 * What is known of a change before it begins, and all that a risk is read from. Nothing of it is about a person, and
 * nothing is text: a decision is made again without texts. So whether there is a backout plan is left to the evidence that
 * `change-risk.yaml` asks for.
 */
export interface RiskFacts {
  type: Ticket["change"]["type"];
  /** Instants; absent where nobody has planned yet. */
  startsAt?: string;
  endsAt?: string;
  history: RiskHistory;
}

/** One number that a risk is read from, with the words for it. */
export interface RiskFeature {
  name: string;
  transform: Transform;
  /** More of it is never less risk, whatever a short history seems to say. */
  rising: boolean;
  /** A whole number; undefined where it is not known. */
  read(facts: RiskFacts): number | undefined;
  /** A sentence about its value. */
  why(value: number): string;
}

const MINUTE_MS = 60_000;
const FRIDAY = 5;

/** Hours are those of UTC: a model learns which of them are night where its customer works. */
export const RISK_FEATURES: readonly RiskFeature[] = [
  counted("changes", (n) => `${changes(n)} on the item in the 90 days before`),
  counted("failedChanges", (n) => `${changes(n)} on the item went wrong in the 90 days before`, true),
  {
    name: "incidents",
    transform: "log1p",
    rising: true,
    read: ({ history }) => history.incidents,
    why: (n) => `${n === 1 ? "1 incident" : `${n} incidents`} on the item in the 30 days before`,
  },
  counted("groupChanges", (n) => `${changes(n)} by the same group in the 90 days before`),
  counted("groupFailed", (n) => `${changes(n)} by the same group went wrong in the 90 days before`, true),
  counted("modelChanges", (n) => `${changes(n)} of the same model in the 90 days before`),
  counted("modelFailed", (n) => `${changes(n)} of the same model went wrong in the 90 days before`, true),
  {
    name: "daysSinceChange",
    transform: "log1p",
    rising: false,
    read: ({ history }) => (history.daysSinceChange < 0 ? undefined : history.daysSinceChange),
    why: (n) => `The item was last changed ${n === 1 ? "1 day" : `${n} days`} before`,
  },
  flag("firstChange", ({ history }) => history.daysSinceChange < 0, {
    yes: "The item has not been changed before, as far as is known",
    no: "The item has been changed before",
  }),
  {
    name: "windowMinutes",
    transform: "log1p",
    rising: false,
    read: windowMinutes,
    why: (n) => `The planned window is ${n === 1 ? "1 minute" : `${n} minutes`} long`,
  },
  atHours("startsUtc00to06", 0),
  atHours("startsUtc06to12", 6),
  atHours("startsUtc12to18", 12),
  onDay("startsOnWeekend", (day) => day === 0 || day === 6, "on a weekend"),
  onDay("startsOnFriday", (day) => day === FRIDAY, "on a Friday"),
  flag("emergency", ({ type }) => ofType(type, "emergency"), {
    yes: "It is an emergency change",
    no: "It is no emergency change",
  }),
  flag("standard", ({ type }) => ofType(type, "standard"), {
    yes: "It is a standard change",
    no: "It is no standard change",
  }),
];

/** The facts of a change that is to be scored. */
export function riskFacts({ change }: Ticket, impact: ImpactFact): RiskFacts {
  return {
    type: change.type,
    ...(change.plannedStart !== undefined && { startsAt: change.plannedStart }),
    ...(change.plannedEnd !== undefined && { endsAt: change.plannedEnd }),
    history: impact,
  };
}

function counted(
  name: Exclude<keyof RiskHistory, "incidents">,
  why: (count: number) => string,
  rising = false,
): RiskFeature {
  return { name, transform: "log1p", rising, read: ({ history }) => history[name], why };
}

function flag(
  name: string,
  is: (facts: RiskFacts) => boolean | undefined,
  { yes, no }: { yes: string; no: string },
): RiskFeature {
  const read = (facts: RiskFacts): number | undefined => {
    const found = is(facts);
    return found === undefined ? undefined : Number(found);
  };
  return { name, transform: "flag", rising: false, read, why: (value) => (value > 0 ? yes : no) };
}

function atHours(name: string, from: number): RiskFeature {
  const hours = `between ${String(from).padStart(2, "0")}:00 and ${String(from + 6).padStart(2, "0")}:00 UTC`;
  const within = (at: Date): boolean => at.getUTCHours() >= from && at.getUTCHours() < from + 6;
  return flag(name, (facts) => ofStart(facts, within), {
    yes: `It begins ${hours}`,
    no: `It does not begin ${hours}`,
  });
}

function onDay(name: string, is: (day: number) => boolean, words: string): RiskFeature {
  return flag(name, (facts) => ofStart(facts, (at) => is(at.getUTCDay())), {
    yes: `It begins ${words}`,
    no: `It does not begin ${words}`,
  });
}

function ofStart({ startsAt }: RiskFacts, is: (at: Date) => boolean): boolean | undefined {
  return startsAt === undefined ? undefined : is(new Date(startsAt));
}

function ofType(type: RiskFacts["type"], wanted: RiskFacts["type"]): boolean | undefined {
  return type === "" ? undefined : type === wanted;
}

/** Undefined too for a window that ends before it begins: a slip of the pen is no length. */
function windowMinutes({ startsAt, endsAt }: RiskFacts): number | undefined {
  if (startsAt === undefined || endsAt === undefined) return undefined;
  const minutes = Math.round((Date.parse(endsAt) - Date.parse(startsAt)) / MINUTE_MS);
  return minutes < 0 ? undefined : minutes;
}

function changes(count: number): string {
  return count === 1 ? "1 change" : `${count} changes`;
}
