import { generateKeyPairSync } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import type { Clock } from "../core/clock.ts";
import type { Settings } from "../core/config/settings.ts";
import { type Checkpoint, type Signer, signerFrom } from "../core/ledger/checkpoint.ts";
import { type Checkpoints, startCheckpoints } from "../core/ledger/checkpoints.ts";
import type { Log } from "../core/ports.ts";
import type { Store } from "../core/store/store.ts";
import { filePath } from "./store.ts";

/** Bits of a file's mode that let others than its owner in. */
const OTHERS = 0o077;

/** Where a store in a file keeps its key and its checkpoints; undefined for one that is no file. */
export function besideStore(url: string): { key: string; checkpoints: string } | undefined {
  if (!url.startsWith("file:")) return undefined;
  const path = filePath(url);
  return { key: `${path}.key`, checkpoints: `${path}.checkpoints` };
}

export interface SigningDeps {
  store: Store;
  clock: Clock;
  log: Log;
}

/**
 * Signs the ledger from now on, with the key that the settings name or the one beside the store. Undefined where there
 * is none: several processes over a database would each make their own.
 */
export async function signLedger(settings: Settings, deps: SigningDeps): Promise<Checkpoints | undefined> {
  const signer = ledgerSigner(settings, deps.log);
  if (!signer) return undefined;
  const { previousKey } = settings.ledger;
  const previous = previousKey === undefined ? undefined : signerFrom(previousKey);
  return startCheckpoints({ ...deps, signer, previous, limits: settings.limits, publish: checkpointFile(settings) });
}

/**
 * The key that signs the ledger: the configured one, or one beside the store that is made at the first start. The
 * folder must be there.
 */
function ledgerSigner({ store, ledger }: Pick<Settings, "store" | "ledger">, log: Log): Signer | undefined {
  if (ledger.key !== undefined) return signerFrom(ledger.key);
  const path = besideStore(store)?.key;
  if (path === undefined) {
    log.warn(
      "the ledger is not signed: ledger.key in interlock.yaml names no key, and this store has no place for one",
    );
    return undefined;
  }
  if (!existsSync(path)) return madeKey(path, log);
  if ((statSync(path).mode & OTHERS) !== 0) log.warn("others may read the key of the ledger; chmod 600 it", { path });
  try {
    return signerFrom(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new Error(`the key of the ledger in ${path} cannot be used; restore it, or move it away to begin a new one`, {
      cause,
    });
  }
}

function madeKey(path: string, log: Log): Signer {
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  durably(path, "wx", pem, 0o600);
  const signer = signerFrom(pem);
  log.info("a key was made that signs the ledger; keep its fingerprint where this server cannot write", {
    ...{ path, fingerprint: signer.fingerprint },
  });
  return signer;
}

/** Writes each checkpoint as a line: to the file that is configured or beside the store, or to standard output (`-`). */
function checkpointFile({ store, ledger }: Pick<Settings, "store" | "ledger">): (each: Checkpoint) => Promise<void> {
  const path = ledger.checkpoints ?? besideStore(store)?.checkpoints;
  return async (checkpoint) => {
    const line = `${JSON.stringify(checkpoint)}\n`;
    if (path === "-") process.stdout.write(line);
    else if (path !== undefined) durably(path, "a", line, 0o644);
  };
}

function durably(path: string, flags: "a" | "wx", text: string, mode: number): void {
  const file = openSync(path, flags, mode);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
