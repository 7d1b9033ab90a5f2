import { ln } from "../advice/local/exact.ts";
import type { ImpactFact } from "../policy/impact.ts";
import type { Ticket } from "../ticket.ts";
import { RISK_FEATURES, type RiskFeature, riskFacts, type Transform } from "./features.ts";
import { logistic } from "./logistic.ts";
import { MILLION, type RiskModelFile, type RiskWeights, type WeighedFeature } from "./model.ts";

/** A change that surely goes wrong. Points are chances in a hundred. */
export const RISK_POINTS_MAX = 100;
/** A value further from the usual than this many deviations says no more. */
const DEVIATIONS_MAX = 10;
/** Nearer to the usual than this, the curve is as good as straight. */
const STRAIGHT = 1e-6;

/** The part of what every change has, whatever it is. */
export const BASE = "base";

/** What one value adds to a risk, or takes from it. */
export interface RiskFactor {
  id: string;
  /** A sentence. */
  why: string;
  /** What was read: a whole number, `yes` or `no`. */
  value: string;
  /** Whole; below 0 where it makes the change safer than usual. */
  points: number;
}

/** A whole number of points and what they are made of: the points of all factors add up to it. */
export interface RiskScore {
  /** 0 to RISK_POINTS_MAX: so many in a hundred changes like this one go wrong. */
  points: number;
  factors: RiskFactor[];
}

/**
 * Scores changes by a model: a pure function, with the same answer on every machine. It reads no text of a ticket, and
 * nothing about a person.
 */
export function riskScorer(model: RiskModelFile): (ticket: Ticket, impact: ImpactFact) => RiskScore {
  const read = model.features.map(({ name }) => RISK_FEATURES.find((each) => each.name === name));
  return (ticket, impact) => {
    const facts = riskFacts(ticket, impact);
    const values = read.map((feature) => feature?.read(facts));
    const { points, shares } = riskPoints(model, values);
    const factors = read.flatMap((feature, at): RiskFactor[] => {
      const value = values[at];
      if (!feature || value === undefined) return [];
      return [{ id: feature.name, why: feature.why(value), value: shown(value, feature), points: shares[at] ?? 0 }];
    });
    const base = points - factors.reduce((sum, factor) => sum + factor.points, 0);
    const why = "So many in a hundred go wrong of changes that are usual in everything";
    return { points, factors: [{ id: BASE, why, value: `${base}`, points: base }, ...factors] };
  };
}

/** The chance that a change goes wrong, 0 to 1. `values` are in the order of the features; undefined is not known. */
export function riskChance(weights: RiskWeights, values: readonly (number | undefined)[]): number {
  return logistic(oddsOf(weights, values).odds);
}

/**
 * Points of a change, and the share of each value in them. A value moves the log-odds by its weight times its deviation;
 * of the way that all together move the chance, each gets its part in proportion. Whole points by largest remainder; what
 * is left of the total is the usual change's own.
 */
export function riskPoints(
  weights: RiskWeights,
  values: readonly (number | undefined)[],
): { points: number; shares: number[] } {
  const { odds, usual, moves } = oddsOf(weights, values);
  const chance = logistic(odds);
  const steepness =
    Math.abs(odds - usual) < STRAIGHT ? chance * (1 - chance) : (chance - logistic(usual)) / (odds - usual);
  const exact = [logistic(usual), ...moves.map((move) => move * steepness)].map((part) => part * RISK_POINTS_MAX);
  const points = Math.round(chance * RISK_POINTS_MAX);
  return { points, shares: wholeParts(exact, points).slice(1) };
}

/** Whole parts that add up to a whole total, each the number below or above its exact one; the largest remainders rise. */
export function wholeParts(exact: readonly number[], total: number): number[] {
  const parts = exact.map((each) => Math.floor(each) + 0); // never -0
  const order = exact
    .map((each, at) => ({ at, remainder: each - Math.floor(each) }))
    .filter(({ remainder }) => remainder > 0)
    .sort((a, b) => b.remainder - a.remainder || a.at - b.at);
  const missing = total - parts.reduce((sum, part) => sum + part, 0);
  for (const { at } of order.slice(0, Math.max(0, missing))) parts[at] = (parts[at] ?? 0) + 1;
  return parts;
}

/** A value as it is weighed, before it is held against the usual. */
export function turned(value: number, transform: Transform): number {
  if (transform === "identity") return value;
  return transform === "flag" ? Number(value > 0) : ln(1 + Math.max(0, value));
}

/** How far a turned value is from the usual, in deviations; 0 where it is not known, or where it was always the same. */
export function deviation(
  value: number | undefined,
  { transform, mean, scale }: Omit<WeighedFeature, "weight">,
): number {
  if (value === undefined || !Number.isFinite(value) || scale === 0) return 0;
  const deviations = (turned(value, transform) * MILLION - mean) / scale;
  return Math.max(-DEVIATIONS_MAX, Math.min(DEVIATIONS_MAX, deviations));
}

function shown(value: number, { transform }: RiskFeature): string {
  if (transform !== "flag") return `${value}`;
  return value > 0 ? "yes" : "no";
}

function oddsOf(
  { intercept, features }: RiskWeights,
  values: readonly (number | undefined)[],
): { odds: number; usual: number; moves: number[] } {
  const usual = intercept / MILLION;
  const moves = features.map((feature, at) => (feature.weight / MILLION) * deviation(values[at], feature));
  return { odds: moves.reduce((sum, move) => sum + move, usual), usual, moves };
}
