import { lstatSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Who holds a store, as told to whoever is refused. */
export interface Holder {
  pid: number;
  host: string;
  since: string;
}

export interface FileLock {
  release(): void;
}

const LINKS_MAX = 100;

/**
 * Takes the store's file for this process until it ends, however it ends: a write transaction that is never committed
 * on a small database beside the file, so the operating system gives the lock back after a kill -9 too. Readers can
 * still see who holds it. The lock goes by the file itself: whoever comes to it through a symbolic link is refused too.
 */
export function lockFile(path: string, holder: Holder): { lock: FileLock } | { heldBy: Holder | undefined } {
  const db = new DatabaseSync(`${realFile(path)}.owner`);
  try {
    db.exec("pragma busy_timeout = 0");
    db.exec(
      "create table if not exists owner (one integer primary key check (one = 1), pid integer, host text, since text)",
    );
    db.exec("begin immediate");
    db.prepare("insert or replace into owner values (1, ?, ?, ?)").run(holder.pid, holder.host, holder.since);
    db.exec("commit");
    db.exec("begin immediate");
    return { lock: { release: () => db.close() } };
  } catch (error) {
    const heldBy = isBusy(error) ? readHolder(db) : undefined;
    db.close();
    if (!isBusy(error)) throw error;
    return { heldBy };
  }
}

/** Where a file really is, or will be once it is made: also behind a link that points to nothing yet. */
function realFile(path: string, links = 0): string {
  const file = join(realpathSync(dirname(path)), basename(path));
  // SQLite itself gives up on chains that are this long.
  if (links > LINKS_MAX || !lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink()) return file;
  return realFile(resolve(dirname(file), readlinkSync(file)), links + 1);
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && (error.errcode === 5 || error.errcode === 261);
}

function readHolder(db: DatabaseSync): Holder | undefined {
  const row = db.prepare("select pid, host, since from owner").get();
  if (!row || typeof row["pid"] !== "number") return undefined;
  return { pid: row["pid"], host: String(row["host"]), since: String(row["since"]) };
}
