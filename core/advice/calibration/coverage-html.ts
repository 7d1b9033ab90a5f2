import { escaped } from "../../backtest/chart.ts";
import { percent, whole } from "../../backtest/lines.ts";
import { htmlPage } from "../../backtest/page.ts";
import type { Calibration } from "./calibration.ts";
import { BP_MAX } from "./clopper-pearson.ts";
import { corners, coverageAt, coverageSentence, percentOf, TARGETS_BP, withoutEvidence } from "./coverage.ts";
import { stepCurve } from "./curve.ts";

/** Targets beyond that are nobody's. */
const X_MAX_BP = 2_000;
/** Labels that are shown; the JSON has all. */
const SHOWN_MAX = 200;

/** What was measured of one kind of answer, under the name people know it by. */
export interface NamedCalibration {
  name: string;
  calibration: Calibration;
}

/** What a model may do by itself, as one HTML file: for each kind of answer the curve and a table of labels. */
export function coverageHtml(calibrations: readonly NamedCalibration[], title: string, targetBp: number): string {
  const sections = calibrations.flatMap(({ name, calibration }) => [
    `<h2>${escaped(name)}</h2>`,
    `<ul>${notesOf(calibration, targetBp)
      .map((note) => `<li>${escaped(note)}</li>`)
      .join("")}</ul>`,
    coverageCurve(calibration),
    targetTable(calibration),
    labelTable(calibration),
  ]);
  return htmlPage(title, [`<h1>${escaped(title)}</h1>`, ...sections]);
}

function notesOf(calibration: Calibration, targetBp: number): string[] {
  const { overall, confidenceBp } = calibration;
  const right = percent(overall.tickets - overall.errors, overall.tickets);
  return [
    coverageSentence(calibration, TARGETS_BP),
    `Counted on ${whole(overall.tickets)} answers to texts that the answering model had not seen; ${right} of them were right. The bounds of a label hold together with ${percentOf(confidenceBp)} confidence.`,
    ...withoutEvidence(calibration, targetBp).slice(0, SHOWN_MAX),
  ];
}

/** Target error against the share of all tickets that happens by itself, as a figure of HTML. */
export function coverageCurve(calibration: Calibration): string {
  const all = Math.max(1, calibration.overall.tickets);
  const points = corners(calibration).map(({ targetBp, tickets }) => ({ x: targetBp, y: (BP_MAX * tickets) / all }));
  return stepCurve("What the desk handles by itself", points, {
    xMax: X_MAX_BP,
    xEvery: 200,
    xName: "target error: the most that may be wrong",
    yName: "share of all tickets",
  });
}

function targetTable(calibration: Calibration): string {
  const rows = TARGETS_BP.map((each) => {
    const { targetBp, tickets, errors, boundBp } = coverageAt(calibration, each);
    const bound = boundBp === null ? "–" : percentOf(boundBp);
    return [`≤ ${percentOf(targetBp)}`, percent(tickets, calibration.overall.tickets), bound, percent(errors, tickets)];
  });
  return table("By target", ["target error", "by itself", "error to be feared", "error counted"], rows);
}

function labelTable(calibration: Calibration): string {
  const at = TARGETS_BP.map((targetBp) => coverageAt(calibration, targetBp).classes);
  const rows = calibration.classes.slice(0, SHOWN_MAX).map(({ label, tickets, errors }, index) => {
    const shares = at.map((classes) => percent(classes[index]?.tickets ?? 0, tickets));
    return [label, whole(tickets), percent(errors, tickets), ...shares];
  });
  const targets = TARGETS_BP.map((targetBp) => `≤ ${percentOf(targetBp)}`);
  return table("By label: share that happens by itself", ["label", "answers", "wrong", ...targets], rows);
}

function table(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, texts: readonly string[]): string =>
    `<tr>${texts.map((text) => `<${tag}>${escaped(text)}</${tag}>`).join("")}</tr>`;
  return `<h3>${escaped(title)}</h3><table>${cells("th", head)}${rows.map((row) => cells("td", row)).join("")}</table>`;
}
