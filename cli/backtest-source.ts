import { existsSync, statSync } from "node:fs";
import { basename } from "node:path";
import { InvalidArgumentError } from "commander";
import type { NamedPolicy } from "../core/backtest/backtest.ts";
import { fileStates, historyNames, loadHistory } from "../core/backtest/history.ts";
import type { StateSource } from "../core/backtest/states.ts";
import { didYouMean } from "../core/nearest.ts";
import { ProblemsError } from "../core/problem.ts";
import { policiesFrom } from "./backtest-policies.ts";
import { type CommonOptions, connectionNames, foldersFrom } from "./config.ts";
import { historyRows } from "./history-rows.ts";
import { startProgress } from "./progress.ts";
import { diskFiles } from "./system.ts";

export interface SourceOptions extends CommonOptions {
  from: string;
  policy?: string[];
  mapping?: string;
  since?: string;
  type?: string[];
  most?: string;
  /** Whose reading it is, for its progress; backtest where nothing is said. */
  command?: string;
}

/** A history that is ready to be replayed. */
export interface OpenedHistory {
  /** In a title. */
  name: string;
  source: StateSource;
  policies: NamedPolicy[];
  close(): Promise<void>;
}

/**
 * The history that `--from` names: a file, or where there is none of that name, a connection. Throws an
 * InvalidArgumentError for options that do not fit, and problems of rules, mappings and settings.
 */
export async function openHistory(options: SourceOptions): Promise<OpenedHistory> {
  const { from } = options;
  const names = connectionNames(options);
  if (existsSync(from) && statSync(from).isFile()) {
    if (names.includes(from))
      console.error(`backtest: ${from} is a file here and a connection too; the file is read. Rename it for the other`);
    return openFile(options);
  }
  if (!names.includes(from)) {
    const known =
      names.length === 0 ? "no connection either" : `no connection of that name; there are ${names.join(", ")}`;
    throw new InvalidArgumentError(`there is no file ${from} and ${known}. ${didYouMean(from, names)}`.trim());
  }
  // A file need not wait for the vendors' libraries.
  return (await import("./backtest-connection.ts")).openConnection(options);
}

function openFile(options: SourceOptions): OpenedHistory {
  const { from } = options;
  for (const name of ["type", "most"] as const)
    if (options[name] !== undefined)
      throw new InvalidArgumentError(`--${name} is for a connection, and ${from} is a file`);
  const folders = foldersFrom(options);
  const history = loadHistory(diskFiles, folders.mappings, options.mapping ?? onlyMapping(folders.mappings));
  if ("problems" in history) throw new ProblemsError(history.problems);
  const policies = policiesFrom(options, [history.mapping]);
  const progress = startProgress({ command: "backtest", what: `reading ${from}`, unit: "share" });
  const source = fileStates(history, historyRows(from, progress.at));
  return { name: basename(from), source, policies, close: async () => progress.end() };
}

function onlyMapping(folder: string): string {
  const names = historyNames(diskFiles, folder);
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  throw new InvalidArgumentError(`say how the file is read with --mapping; there are: ${names.join(", ") || "none"}`);
}
