import { existsSync, statSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import type { Corpus } from "../core/advice/local/corpus.ts";
import { LABEL_FIELDS, type LabelField } from "../core/advice/step.ts";
import { didYouMean } from "../core/nearest.ts";

/** The options that say where closed tickets are read from, as they are written. */
export interface TicketOptions {
  from: string;
  text: string;
  label: string[];
}

/** A CSV file of closed tickets, and which of its columns say what. */
export interface TicketSource {
  path: string;
  /** Read one after the other as one text. */
  text: readonly string[];
  labels: ReadonlyMap<LabelField, string>;
}

/** Throws an InvalidArgumentError for options that cannot be meant. */
export function ticketSource({ from, text, label }: TicketOptions): TicketSource {
  if (!existsSync(from))
    throw new InvalidArgumentError(
      `there is no file ${from}; export closed tickets as CSV. Reading them from a connection is not built yet`,
    );
  if (!statSync(from).isFile()) throw new InvalidArgumentError(`${from} is no file; name a CSV file`);
  const source = { path: from, text: columnsIn(text), labels: labelsIn(label) };
  for (const [field, column] of source.labels)
    if (source.text.includes(column))
      throw new InvalidArgumentError(
        `the column ${column} is in --text and is what ${field} is learnt from; a model would only read its own answer`,
      );
  return source;
}

/** Why a corpus that came out empty is empty, and what to do. */
export function nothingIn({ path, text, labels }: TicketSource, { read }: Corpus): string {
  if (read === 0) return `${path} holds no ticket below the names of its columns; export some`;
  const columns = [...labels.values()].join(", ");
  return `none of the ${read} tickets of ${path} has both a text (${text.join(", ")}) and a label (${columns}); name the columns that are filled`;
}

function columnsIn(text: string): string[] {
  const columns = text.split(",").map((column) => column.trim());
  if (columns.includes("")) throw new InvalidArgumentError(`--text ${text} names no column; write it as one,two`);
  return columns;
}

function labelsIn(given: readonly string[]): Map<LabelField, string> {
  const labels = new Map<LabelField, string>();
  for (const label of given) {
    const [name = "", column = ""] = label.split(/=(.*)/s).map((part) => part.trim());
    const field = LABEL_FIELDS.find((each) => each === name);
    if (field === undefined)
      throw new InvalidArgumentError(
        `--label ${label}: there is no field ${name}. ${didYouMean(name, LABEL_FIELDS)}There are: ${LABEL_FIELDS.join(", ")}`,
      );
    if (column === "") throw new InvalidArgumentError(`--label ${label} names no column; write it as ${field}=column`);
    if (labels.has(field))
      throw new InvalidArgumentError(`--label names ${field} twice; one column can be learnt from`);
    labels.set(field, column);
  }
  return labels;
}
