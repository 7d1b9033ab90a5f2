import { basename } from "node:path";
import { InvalidArgumentError } from "commander";
import type { LabelledText } from "../core/advice/local/corpus.ts";
import { didYouMean } from "../core/nearest.ts";
import { historyRows } from "./history-rows.ts";
import type { TicketSource } from "./ticket-source.ts";

/**
 * The tickets of a CSV file whose first line names the columns, a piece at a time. Throws an InvalidArgumentError for a
 * column that the file does not have.
 */
export async function* csvTickets(
  source: TicketSource,
  onRead: (share: number) => void,
): AsyncGenerator<LabelledText, void, undefined> {
  let read: ((row: readonly string[]) => LabelledText) | undefined;
  for await (const row of historyRows(source.path, onRead)) {
    if (read) yield read(row);
    else read = reader(row, source);
  }
}

function reader(
  names: readonly string[],
  { path, text, labels }: TicketSource,
): (row: readonly string[]) => LabelledText {
  const texts = text.map((column) => placeOf(column, names, path));
  const truths = [...labels].map(([field, column]) => [field, placeOf(column, names, path)] as const);
  return (row) => ({
    text: texts.map((at) => row[at] ?? "").join("\n"),
    labels: Object.fromEntries(truths.map(([field, at]) => [field, row[at] ?? ""])),
  });
}

function placeOf(column: string, names: readonly string[], path: string): number {
  const at = names.indexOf(column);
  if (at < 0)
    throw new InvalidArgumentError(
      `${basename(path)} has no column ${column}. ${didYouMean(column, names)}It has: ${names.join(", ")}`,
    );
  if (names.includes(column, at + 1))
    throw new InvalidArgumentError(`${basename(path)} has two columns ${column}; give one of them another name`);
  return at;
}
