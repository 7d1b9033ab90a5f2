import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { parse } from "csv-parse";

/** No cell or line of a real export is longer. */
const LINE_CHARS_MAX = 1_000_000;

/**
 * The lines of a CSV file, gzipped or not, a piece at a time. `onRead` is told of the share of the file that has been
 * read, 0 to 1. Throws an Error that names the file and the line where it is not CSV.
 */
export async function* historyRows(
  path: string,
  onRead: (share: number) => void,
): AsyncGenerator<readonly string[], void, undefined> {
  const { size } = await stat(path);
  let read = 0;
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      read += chunk.length;
      onRead(size === 0 ? 1 : read / size);
      done(null, chunk);
    },
  });
  const rows = parse({ bom: true, max_record_size: LINE_CHARS_MAX, skip_empty_lines: true });
  const stages: [Readable, ...NodeJS.ReadWriteStream[]] = (await isGzip(path))
    ? [createReadStream(path), counted, createGunzip(), onlyUtf8(), rows]
    : [createReadStream(path), counted, onlyUtf8(), rows];
  const piped = pipeline(stages).catch((error: unknown) => {
    rows.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  try {
    for await (const row of rows) yield row as string[]; // without `columns`, csv-parse answers arrays of texts
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(`${path} is not a CSV file that can be read: ${what}`, { cause: error });
  } finally {
    rows.destroy();
    await piped;
  }
}

/** Lets UTF-8 through. Anything else would be read too, with a mark in the place of every letter it means. */
function onlyUtf8(): Transform {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const check = (piece?: Buffer): Error | null => {
    try {
      decoder.decode(piece, { stream: piece !== undefined });
      return null;
    } catch {
      return new Error("it is not UTF-8 text; export or save it as CSV in UTF-8");
    }
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(check(chunk), chunk);
    },
    flush(done) {
      done(check());
    },
  });
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}
