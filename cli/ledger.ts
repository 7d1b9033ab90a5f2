import { existsSync, readFileSync, statSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import { type Verifier, verifierFrom, type Witness, witnessesIn } from "../core/ledger/checkpoint.ts";
import { exportedLedger, headerOf, verifyPart } from "../core/ledger/export.ts";
import { type Verification, verifyLedger } from "../core/ledger/verify.ts";
import { ledgerOf } from "../core/store/ledger-source.ts";
import { type CommonOptions, readStoreSettings } from "./config.ts";
import { besideStore } from "./ledger-signing.ts";
import { linesOf } from "./lines.ts";
import { lookAt } from "./store.ts";
import { systemClock } from "./system.ts";

/** Notes and checkpoints of years are far smaller. */
const WITNESS_BYTES_MAX = 256 * 1_048_576;

export interface VerifyOptions extends CommonOptions {
  /** An export to verify instead of the store. */
  file?: string;
  /** Files of checkpoints or notes, or single lines of notes. */
  witness?: string[];
  /** File of the public key that must have signed. */
  key?: string;
}

/** `interlock ledger verify`. Exit code 1 names the first entry that does not hold. */
export async function ledgerVerify(options: VerifyOptions): Promise<0 | 1> {
  const key = options.key === undefined ? undefined : publicKeyIn(options.key);
  const told = (options.witness ?? []).flatMap((given) => witnessesFrom(given));
  const verification =
    options.file === undefined ? await ofStore(options, told, key) : await ofFile(options.file, told, key);
  if (options.json) console.log(JSON.stringify(verification));
  else for (const line of verificationLines(verification)) console.log(line);
  return verification.ok ? 0 : 1;
}

/** Verifies the ledger of a store, also against the checkpoints beside it. */
export async function ofStore(
  options: CommonOptions,
  told: readonly Witness[],
  key: Verifier | undefined,
): Promise<Verification> {
  const url = readStoreSettings(options).store;
  const kept = besideStore(url)?.checkpoints;
  const witnesses = [
    ...told,
    ...(kept !== undefined && existsSync(kept) ? witnessesIn(readFileSync(kept, "utf8")) : []),
  ];
  return lookAt(url, systemClock, (store) => verifyLedger(ledgerOf(store), { witnesses, ...(key && { key }) }));
}

async function ofFile(path: string, witnesses: readonly Witness[], key: Verifier | undefined): Promise<Verification> {
  const lines = linesOf(path, "--file");
  const { whole } = await headerOf(lines);
  if (whole) return verifyLedger(exportedLedger(lines), { witnesses, ...(key && { key }) });
  if (witnesses.length > 0)
    throw new InvalidArgumentError(
      `${path} is a part of a ledger, which no witness can be held against; leave --witness away`,
    );
  return verifyPart(lines, key ? { publicKey: key.publicKey } : {});
}

function publicKeyIn(path: string): Verifier {
  const key = existsSync(path) ? verifierFrom(readFileSync(path, "utf8")) : undefined;
  if (key) return key;
  throw new InvalidArgumentError(`--key ${path} is no file with an Ed25519 public key in PEM`);
}

function witnessesFrom(given: string): Witness[] {
  const isFile = existsSync(given);
  if (isFile && statSync(given).size > WITNESS_BYTES_MAX)
    throw new InvalidArgumentError(`--witness ${given} is larger than ${WITNESS_BYTES_MAX} bytes`);
  const found = witnessesIn(isFile ? readFileSync(given, "utf8") : given);
  if (found.length > 0) return found;
  if (isFile)
    throw new InvalidArgumentError(
      `--witness ${given} holds no checkpoint and no line of a note, such as: ledger 12345:1a2b3c4d5e6f7081`,
    );
  throw new InvalidArgumentError(
    `--witness "${given}" is neither a file nor a line of a note, such as: ledger 12345:1a2b3c4d5e6f7081`,
  );
}

function verificationLines(verification: Verification): string[] {
  if (!verification.ok) return [`The ledger is broken at entry ${verification.seq}: ${verification.what}.`];
  const { entries, head, checkpoints, witnesses, unsigned, keys, anchored, dropped, root } = verification;
  const length = count(entries, "entry", "entries");
  if (head === "") return [`The part holds: ${length}, each in the tree ${root} that ${keys.join(", ")} signed.`];
  const lines = [`The ledger holds: ${length}, head ${head}.`];
  const by = anchored
    ? "the key that was given, or keys that it vouches for"
    : "keys that the ledger itself names (--key holds it against one you know)";
  lines.push(
    checkpoints === 0
      ? "No checkpoint is there to hold it against: whoever can write the store could have written all of it."
      : `${count(checkpoints, "checkpoint agrees", "checkpoints agree")}, signed by ${by}: ${keys.join(", ")}.`,
  );
  if (witnesses > 0) lines.push(`${count(witnesses, "witness agrees", "witnesses agree")}.`);
  if (unsigned > 0 && checkpoints > 0)
    lines.push(`${count(unsigned, "entry is", "entries are")} newer than the last checkpoint.`);
  if (dropped > 0)
    lines.push(`${count(dropped, "body was dropped, as an entry says", "bodies were dropped, as entries say")}.`);
  return lines;
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
