import Table from "cli-table3";
import { TICKETS_MAX } from "../core/advice/local/corpus.ts";
import { LABELS_MAX } from "../core/advice/local/header.ts";
import { type HeadReport, type HeldOut, type LeftOut, TICKETS_PER_LABEL_MIN } from "../core/advice/local/training.ts";
import type { LabelField } from "../core/advice/step.ts";

/** Labels that are named where some were left out; the rest is counted. */
const NAMED_MAX = 10;

/** What a training made, as --json prints it. */
export interface TrainingMade {
  /** Null where nothing could be learnt. */
  file: string | null;
  bytes: number;
  sha256: string | null;
  dataDigest: string;
  seed: number;
  holdOutPercent: number;
  read: number;
  unusable: number;
  beyond: number;
  tickets: number;
  heldOutTickets: number;
  heads: readonly HeadReport[];
  /** Fields that were asked for, and that no ticket has a label of. */
  withoutLabels: readonly LabelField[];
  seconds: number;
}

/** The same for people. */
export function trainingReport(made: TrainingMade): string {
  const learnt = made.heads.filter(({ refused }) => refused === undefined);
  const table = new Table({
    head: ["field", "labels", "tickets", "left out", "right on held-out texts"],
    style: { head: [], border: [] },
  });
  for (const { field, labels, tickets, leftOut, heldOut } of learnt)
    table.push([field, labels.length, tickets, `${leftOut.length} labels, ${sum(leftOut)} tickets`, right(heldOut)]);
  return [
    ...(learnt.length > 0 ? [table.toString()] : []),
    ...made.heads.flatMap(notes),
    ...made.withoutLabels.map(
      (field) => `${field}: not learnt, as no ticket has a label; name the column that is filled.`,
    ),
    `Read ${made.read} tickets: ${made.tickets} learnt from, ${made.heldOutTickets} held out, ${made.unusable} without text or label.`,
    ...(made.beyond > 0
      ? [
          `${made.beyond} tickets came after the first ${TICKETS_MAX} different ones and were left out; export newer ones only.`,
        ]
      : []),
    `Data:    sha256 ${made.dataDigest}, seed ${made.seed}`,
    ...(made.file === null ? [] : [`Written: ${made.file}, ${made.bytes} bytes, sha256 ${made.sha256}`]),
    `Took ${made.seconds} s.`,
  ].join("\n");
}

function right(heldOut: HeldOut | undefined): string {
  if (heldOut === undefined) return "none held out";
  const percent = (count: number): string => `${((100 * count) / heldOut.tickets).toFixed(1)} %`;
  return `${percent(heldOut.correct)} of ${heldOut.tickets} (always the commonest: ${percent(heldOut.commonest)})`;
}

function notes({ field, labels, leftOut, refused }: HeadReport): string[] {
  const rare = leftOut.filter(({ why }) => why === "rare");
  const many = leftOut.filter(({ why }) => why === "many");
  const found: string[] = [];
  if (refused === "one_label")
    found.push(
      `${field}: not learnt, as only ${labels.map(({ label }) => label).join()} has ${TICKETS_PER_LABEL_MIN} tickets or more and there is nothing to tell apart; bring tickets with other labels.`,
    );
  if (refused === "no_label")
    found.push(
      `${field}: not learnt, as no label has ${TICKETS_PER_LABEL_MIN} tickets; bring more tickets, or name a column with fewer values.`,
    );
  if (rare.length > 0)
    found.push(`${field}: fewer than ${TICKETS_PER_LABEL_MIN} tickets, never answered: ${named(rare)}.`);
  if (many.length > 0)
    found.push(
      `${field}: more than ${LABELS_MAX} labels; the rarest are never answered: ${named(many)}. Name a column with fewer values if they matter.`,
    );
  return found;
}

function named(labels: readonly LeftOut[]): string {
  const names = labels.slice(0, NAMED_MAX).map(({ label, tickets }) => `${label} (${tickets})`);
  return [...names, ...(labels.length > NAMED_MAX ? [`and ${labels.length - NAMED_MAX} more`] : [])].join(", ");
}

function sum(labels: readonly LeftOut[]): number {
  return labels.reduce((total, { tickets }) => total + tickets, 0);
}
