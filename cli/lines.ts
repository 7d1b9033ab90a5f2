import { createReadStream, existsSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { InvalidArgumentError } from "commander";
import type { ReadLines } from "../core/ledger/export.ts";

/** A text file line by line, each time from its beginning. Throws an InvalidArgumentError where there is none. */
export function linesOf(path: string, option: string): ReadLines {
  if (!existsSync(path) || !statSync(path).isFile()) throw new InvalidArgumentError(`${option} ${path} is not a file`);
  return () => createInterface({ input: createReadStream(path, "utf8"), crlfDelay: Number.POSITIVE_INFINITY });
}
