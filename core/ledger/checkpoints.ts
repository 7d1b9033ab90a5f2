import type { Clock } from "../clock.ts";
import { instant } from "../clock.ts";
import { describeError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { Log } from "../ports.ts";
import type { Store } from "../store/store.ts";
import { type Checkpoint, originOf, type Signer } from "./checkpoint.ts";
import { BODIES } from "./entry.ts";

const LOOK_EVERY_MS = 1_000;
const KEYS_AT_ONCE = 1_000;

export interface CheckpointDeps {
  store: Store;
  signer: Signer;
  /** The key of before, for the one start in which it is replaced. */
  previous: Signer | undefined;
  limits: Pick<Limits, "checkpointEntries" | "checkpointMs">;
  clock: Clock;
  log: Log;
  /** Writes a checkpoint where whoever can change the store cannot change it, or not as easily. */
  publish(checkpoint: Checkpoint): Promise<void>;
}

/** Signs the ledger while it grows. */
export interface Checkpoints {
  /** The last one that was made or found. */
  last(): Checkpoint | undefined;
  /**
   * Makes one now, where there is something new. Rejects where the ledger does not continue what was signed before: a
   * signature must not cover up that something is gone.
   */
  make(): Promise<Checkpoint | undefined>;
  /** Ends the watch; makes none. */
  stop(): Promise<void>;
}

/** Names the key on the ledger where it is new, and signs from then on: every so many entries, or after so long. */
export async function startCheckpoints(deps: CheckpointDeps): Promise<Checkpoints> {
  const signing = new Signing(deps);
  await signing.nameKey();
  const ending = new AbortController();
  const watch = signing.watch(ending.signal);
  return {
    last: () => signing.last,
    make: () => signing.make(),
    async stop() {
      ending.abort();
      await watch;
    },
  };
}

class Signing {
  readonly #deps: CheckpointDeps;
  last: Checkpoint | undefined;
  /** The key that the ledger named last, and up to which entry that was looked for. */
  #named: string | undefined;
  #lookedUpTo = 0;
  #making: Promise<Checkpoint | undefined> = Promise.resolve(undefined);

  constructor(deps: CheckpointDeps) {
    this.#deps = deps;
  }

  /** Writes an entry that names the key, where the ledger names none or another. */
  async nameKey(): Promise<void> {
    const { store, signer, previous, log } = this.#deps;
    this.last = await store.lastCheckpoint();
    await this.#lookForKeys();
    const before = this.#named;
    if (before === signer.keyId) return;
    const { keyId, publicKey } = signer;
    await store.append([{ kind: "key", ticket: null, body: { keyId, publicKey, previous: before ?? null } }]);
    if (before === undefined) return;
    if (previous?.keyId === before) {
      await this.#signNow(previous);
      log.info("the key of the ledger was replaced; the one before has signed for it", { before, keyId });
      return;
    }
    log.warn(
      "the key of the ledger was replaced and the one before did not sign for it; verify needs --key from now on",
      {
        before,
        keyId,
      },
    );
  }

  make(): Promise<Checkpoint | undefined> {
    // One after the other: two at once would sign two sizes for no use.
    const next = this.#making.then(
      () => this.#makeNow(),
      () => this.#makeNow(),
    );
    this.#making = next;
    return next;
  }

  async watch(signal: AbortSignal): Promise<void> {
    const { store, limits, clock, log } = this.#deps;
    let triedAtMs = clock.now();
    while (!signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, signal);
      if (signal.aborted) return;
      try {
        const size = (await store.ledgerEnd())?.seq ?? 0;
        const fresh = size - (this.last?.size ?? 0);
        const late = clock.now() - triedAtMs >= limits.checkpointMs;
        if (fresh <= 0 || (fresh < limits.checkpointEntries && !late)) continue;
        triedAtMs = clock.now();
        await this.make();
      } catch (error) {
        // What is not signed is still recorded; the next try is as good as this one.
        log.error("the ledger could not be signed", { error: describeError(error) });
        triedAtMs = clock.now();
        await clock.sleep(limits.checkpointMs, signal);
      }
    }
  }

  async #makeNow(): Promise<Checkpoint | undefined> {
    const { store, signer } = this.#deps;
    const kept = await store.lastCheckpoint();
    // What this process has signed, or seen signed, cannot have become less: its row was taken away.
    if (this.last && (kept?.size ?? 0) < this.last.size)
      throw new Error(
        `the checkpoint of ${this.last.size} entries is gone from the store; run interlock ledger verify`,
      );
    this.last = kept;
    const size = (await store.ledgerEnd())?.seq ?? 0;
    if (size <= (this.last?.size ?? 0)) {
      if (this.last && size < this.last.size) await this.#refuseChange(this.last);
      return this.last;
    }
    await this.#lookForKeys();
    if (this.#named !== signer.keyId)
      throw new Error(
        `the ledger names the key ${this.#named}, and this process has ${signer.keyId}; give all one key`,
      );
    return this.#signNow(signer);
  }

  async #signNow(signer: Signer): Promise<Checkpoint | undefined> {
    const { store, clock, publish, log } = this.#deps;
    if (this.last) await this.#refuseChange(this.last);
    const head = await store.treeHead();
    if (!head) return undefined;
    const checkpoint = signer.sign(head, instant(clock.now()));
    await store.keepCheckpoint(checkpoint);
    this.last = checkpoint;
    try {
      await publish(checkpoint);
    } catch (error) {
      log.error("a checkpoint could not be written outside of the store", { error: describeError(error) });
    }
    return checkpoint;
  }

  async #refuseChange(signed: Checkpoint): Promise<void> {
    const { store } = this.#deps;
    const [first] = await store.entries(0, 1);
    const root = await store.treeRoot(signed.size).catch(() => undefined);
    if (first && originOf(first.hash) === signed.origin && root === signed.root) return;
    throw new Error(`the ledger is not the one that was signed at ${signed.size} entries; run interlock ledger verify`);
  }

  async #lookForKeys(): Promise<void> {
    const { store } = this.#deps;
    const end = (await store.ledgerEnd())?.seq ?? 0;
    for (let more = true; more; ) {
      const found = await store.entriesAbout({ kind: "key" }, this.#lookedUpTo, KEYS_AT_ONCE);
      const body = found.at(-1)?.body;
      if (body !== undefined) this.#named = BODIES.key.parse(JSON.parse(body)).keyId;
      more = found.length === KEYS_AT_ONCE;
      this.#lookedUpTo = found.at(-1)?.seq ?? this.#lookedUpTo;
    }
    this.#lookedUpTo = Math.max(this.#lookedUpTo, end);
  }
}
