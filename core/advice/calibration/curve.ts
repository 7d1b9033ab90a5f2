import { escaped } from "../../backtest/chart.ts";

/** From `x` on, the curve is at `y`. Both are basis points. */
export interface Corner {
  x: number;
  y: number;
}

const WIDTH = 760;
const HEIGHT = 320;
const LEFT = 60;
const TOP = 10;
const ACROSS = WIDTH - LEFT - 20;
const UP = HEIGHT - TOP - 50;
const Y_MAX = 10_000;
const Y_EVERY = 2_000;

/** A curve that rises in steps, as SVG, without script and without anything from elsewhere. Corners stand in order of x. */
export function stepCurve(
  title: string,
  corners: readonly Corner[],
  axes: { xMax: number; xEvery: number; xName: string; yName: string },
): string {
  const { xMax, xEvery, xName, yName } = axes;
  const across = (x: number): number => LEFT + Math.round((ACROSS * Math.min(x, xMax)) / xMax);
  const up = (y: number): number => TOP + UP - Math.round((UP * y) / Y_MAX);
  const lines: string[] = [];
  for (let y = 0; y <= Y_MAX; y += Y_EVERY)
    lines.push(
      `<line class="grid" x1="${LEFT}" y1="${up(y)}" x2="${LEFT + ACROSS}" y2="${up(y)}"/>`,
      `<text x="${LEFT - 8}" y="${up(y) + 4}" text-anchor="end">${y / 100} %</text>`,
    );
  for (let x = 0; x <= xMax; x += xEvery)
    lines.push(
      `<line class="grid" x1="${across(x)}" y1="${TOP}" x2="${across(x)}" y2="${TOP + UP}"/>`,
      `<text x="${across(x)}" y="${TOP + UP + 18}" text-anchor="middle">${x / 100} %</text>`,
    );
  const path = corners.filter(({ x }) => x <= xMax).map(({ x, y }) => `H${across(x)}V${up(y)}`);
  lines.push(
    `<path class="curve" d="M${LEFT} ${up(0)}${path.join("")}H${LEFT + ACROSS}"/>`,
    `<text x="${LEFT + ACROSS / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escaped(xName)}</text>`,
  );
  const name = escaped(`${title}: ${yName}`);
  return `<figure><figcaption>${name}</figcaption><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${name}">${lines.join("")}</svg></figure>`;
}
