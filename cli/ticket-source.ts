import { existsSync, statSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import type { Corpus, LabelledText } from "../core/advice/local/corpus.ts";
import { LABEL_FIELDS, type LabelField } from "../core/advice/step.ts";
import { didYouMean } from "../core/nearest.ts";
import { type CommonOptions, connectionNames } from "./config.ts";
import { csvTickets } from "./csv-tickets.ts";

/** The options that say where closed tickets are read from, as they are written. */
export interface TicketOptions extends CommonOptions {
  from?: string;
  text?: string;
  label?: string[];
  since?: string;
  type?: string[];
  most?: string;
}

type Named = TicketOptions & { from: string };

/** Closed tickets, and which of their columns or fields say what. */
export interface TicketSource {
  /** As people named it. */
  path: string;
  /** Read one after the other as one text. */
  text: readonly string[];
  labels: ReadonlyMap<LabelField, string>;
  /** `onRead` is told the share that is read, 0 to 1, as far as it is known. */
  tickets(onRead: (share: number) => void): AsyncIterable<LabelledText>;
}

/** What a connection's own tickets say of each field: what people left them with. */
const TICKET_FIELDS: ReadonlyMap<LabelField, string> = new Map([
  ["category", "category"],
  ["service", "service"],
  ["assignment_group", "assignmentGroup"],
]);

/**
 * The tickets that `--from` names: a CSV file, or where there is none of that name, a connection. Throws an
 * InvalidArgumentError for options that cannot be meant.
 */
export function ticketSource(options: TicketOptions): TicketSource {
  const { from } = options;
  if (from === undefined) throw new InvalidArgumentError("--from names no tickets; name a CSV file, or a connection");
  if (existsSync(from)) {
    if (statSync(from).isFile()) return fileSource({ ...options, from });
    throw new InvalidArgumentError(`${from} is no file; name a CSV file, or a connection`);
  }
  const names = connectionNames(options);
  if (names.includes(from)) return connectionSource({ ...options, from });
  const known =
    names.length === 0 ? "no connection either" : `no connection of that name; there are ${names.join(", ")}`;
  throw new InvalidArgumentError(`there is no file ${from} and ${known}. ${didYouMean(from, names)}`.trim());
}

function connectionSource(options: Named): TicketSource {
  const { from, text, label = [], since } = options;
  if (text !== undefined)
    throw new InvalidArgumentError(`--text is for a file; of ${from} titles and descriptions are read`);
  if (since === undefined)
    throw new InvalidArgumentError(`say from which day on the tickets of ${from} are read, such as --since 2026-01-31`);
  const wanted = [...TICKET_FIELDS].filter(([field]) => label.length === 0 || label.includes(field));
  const strange = label.find((name) => !wanted.some(([field]) => field === name));
  if (strange !== undefined)
    throw new InvalidArgumentError(
      `--label ${strange}: of ${from} these can be learnt: ${[...TICKET_FIELDS.keys()].join(", ")}, without a column`,
    );
  return {
    ...{ path: from, text: ["title", "description"], labels: new Map(wanted) },
    // A file need not wait for the vendors' libraries.
    async *tickets() {
      const { closedTickets } = await import("./closed-tickets.ts");
      yield* closedTickets({ ...options, since, command: "train" }, new Set(wanted.map(([field]) => field)));
    },
  };
}

function fileSource({ from, text, label = [], since, type, most }: Named): TicketSource {
  for (const [name, given] of Object.entries({ since, type, most }))
    if (given !== undefined) throw new InvalidArgumentError(`--${name} is for a connection, and ${from} is a file`);
  if (text === undefined || label.length === 0)
    throw new InvalidArgumentError(
      `say what the columns of ${from} are: --text short_description,description --label category=category`,
    );
  const columns = { path: from, text: columnsIn(text), labels: labelsIn(label) };
  const source: TicketSource = { ...columns, tickets: (onRead) => csvTickets(columns, onRead) };
  for (const [field, column] of source.labels)
    if (source.text.includes(column))
      throw new InvalidArgumentError(
        `the column ${column} is in --text and is what ${field} is learnt from; a model would only read its own answer`,
      );
  return source;
}

/** Why a corpus that came out empty is empty, and what to do. */
export function nothingIn({ path, text, labels }: TicketSource, { read }: Corpus): string {
  if (read === 0) return `${path} holds no ticket that could be learnt from; bring some that people have closed`;
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
