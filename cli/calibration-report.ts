import { basename } from "node:path";
import Table from "cli-table3";
import { InvalidArgumentError } from "commander";
import type { Calibration } from "../core/advice/calibration/calibration.ts";
import {
  coverageAt,
  coverageSentence,
  percentOf,
  TARGETS_BP,
  withoutEvidence,
} from "../core/advice/calibration/coverage.ts";
import { coverageHtml } from "../core/advice/calibration/coverage-html.ts";
import type { CalibrationFile } from "../core/advice/calibration/file.ts";
import { unknownLabels } from "../core/advice/calibration/local.ts";
import type { Corpus } from "../core/advice/local/corpus.ts";
import type { ClassifyModel } from "../core/advice/local/model.ts";
import { LABEL_FIELDS, type LabelField } from "../core/advice/step.ts";
import { percent, whole } from "../core/backtest/lines.ts";

/** Labels that are printed; --json and --html have more. */
const SHOWN_MAX = 40;
const NAMED_MAX = 10;

/** What was measured of one field. */
export interface FieldMeasured {
  field: LabelField;
  calibration: Calibration;
  /** Labels that people used and the model cannot answer. */
  unknownLabels: readonly { label: string; tickets: number }[];
}

/** Where a model's calibrations stand unless somebody says otherwise. */
export function calibrationPath(modelPath: string): string {
  return `${modelPath}.calibration.json`;
}

/** A target error as autonomy.yaml writes it, in basis points. Throws an InvalidArgumentError. */
export function targetIn(target: string): number {
  const bp = Math.round(Number(target.replace("%", "")) * 100);
  if (/^\d{1,2}(\.\d)?%$/.test(target) && bp > 0) return bp;
  throw new InvalidArgumentError(`--target ${target} is not an error that can be allowed; write it as 5% or 0.5%`);
}

/** Each calibrated field with what the model cannot answer of it. */
export function measuredOf(
  calibrations: CalibrationFile,
  { model, tickets }: { model: ClassifyModel; tickets: Corpus["tickets"] },
): FieldMeasured[] {
  return LABEL_FIELDS.flatMap((field) => {
    const calibration = calibrations[field];
    return calibration ? [{ field, calibration, unknownLabels: unknownLabels(model, tickets, field) }] : [];
  });
}

/** One HTML file for all fields. */
export function htmlReport(
  measured: readonly FieldMeasured[],
  { modelPath, targetBp }: { modelPath: string; targetBp: number },
): string {
  const named = measured.map(({ field, calibration }) => ({ name: field, calibration }));
  return coverageHtml(named, `Calibration of ${basename(modelPath)}`, targetBp);
}

/** Where the result was written, and the target it is reported for. */
export interface MeasuredAs {
  path: string;
  html: string | undefined;
  targetBp: number;
}

/** The figures as --json prints them. */
export function measuredFigures(measured: readonly FieldMeasured[], { path, html, targetBp }: MeasuredAs) {
  const fields = measured.map(({ field, calibration, unknownLabels: unknown }) => ({
    field,
    calibration,
    coverage: TARGETS_BP.map((each) => coverageAt(calibration, each)),
    sentence: coverageSentence(calibration, [targetBp]),
    withoutEvidence: withoutEvidence(calibration, targetBp),
    unknownLabels: unknown,
  }));
  return { file: path, html: html ?? null, targetBp, fields };
}

/** The same for people: what the desk handles by itself at each target, label by label, and what is lacking. */
export function measuredReport(measured: readonly FieldMeasured[], { path, html, targetBp }: MeasuredAs): string {
  const written = [path, html].flatMap((each) => (each === undefined ? [] : [`Written: ${each}`]));
  return [...measured.map((each) => fieldReport(each, targetBp)), written.join("\n")].join("\n\n");
}

function fieldReport({ field, calibration, unknownLabels: labels }: FieldMeasured, targetBp: number): string {
  const { overall, confidenceBp } = calibration;
  const right = percent(overall.tickets - overall.errors, overall.tickets);
  const targets = [...new Set([200, 500, targetBp])].sort((a, b) => a - b);
  return [
    `${field}: ${whole(overall.tickets)} answers to texts that the answering model had not seen, ${right} of them right.`,
    coverageSentence(calibration, targets),
    `The bounds of a label hold together with ${percentOf(confidenceBp)} confidence: targetError in autonomy.yaml may be moved at any time.`,
    targetTable(calibration),
    labelTable(calibration),
    ...lacking(calibration, targetBp),
    ...unknown(field, labels),
  ].join("\n");
}

function targetTable(calibration: Calibration): string {
  const table = new Table({
    head: ["target error", "by itself", "error to be feared", "error counted"],
    style: { head: [], border: [] },
  });
  for (const each of TARGETS_BP) {
    const { targetBp, tickets, errors, boundBp } = coverageAt(calibration, each);
    const bound = boundBp === null ? "–" : percentOf(boundBp);
    table.push([
      `≤ ${percentOf(targetBp)}`,
      percent(tickets, calibration.overall.tickets),
      bound,
      percent(errors, tickets),
    ]);
  }
  return table.toString();
}

function labelTable({ classes, ...rest }: Calibration): string {
  const at = TARGETS_BP.map((targetBp) => coverageAt({ classes, ...rest }, targetBp).classes);
  const head = ["label", "answers", "wrong", ...TARGETS_BP.map((targetBp) => `≤ ${percentOf(targetBp)}`)];
  const table = new Table({ head, style: { head: [], border: [] } });
  const rows = classes.map(({ label, tickets, errors }, index) => ({
    tickets,
    cells: [
      label,
      whole(tickets),
      percent(errors, tickets),
      ...at.map((its) => percent(its[index]?.tickets ?? 0, tickets)),
    ],
  }));
  rows.sort((a, b) => b.tickets - a.tickets);
  for (const { cells } of rows.slice(0, SHOWN_MAX)) table.push(cells);
  return table.toString() + more(rows.length, SHOWN_MAX);
}

function lacking(calibration: Calibration, targetBp: number): string[] {
  const all = withoutEvidence(calibration, targetBp);
  if (all.length === 0) return [];
  const shown = all.slice(0, SHOWN_MAX).map((each) => `  ${each}`);
  return [`Only suggested at ≤ ${percentOf(targetBp)}:`, shown.join("\n") + more(all.length, SHOWN_MAX)];
}

function unknown(field: LabelField, labels: FieldMeasured["unknownLabels"]): string[] {
  if (labels.length === 0) return [];
  const names = labels.slice(0, NAMED_MAX).map(({ label, tickets }) => `${label} (${tickets})`);
  const sum = labels.reduce((all, { tickets }) => all + tickets, 0);
  const rest = labels.length > NAMED_MAX ? ` and ${labels.length - NAMED_MAX} more` : "";
  return [
    `${field}: ${whole(sum)} tickets have labels that the model does not know, and every answer to them counts as wrong: ${names.join(", ")}${rest}. Train it again with newer tickets.`,
  ];
}

function more(count: number, max: number): string {
  return count > max ? `\n  and ${count - max} more labels; --json names all.` : "";
}
