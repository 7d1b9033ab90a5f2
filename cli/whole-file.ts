import { existsSync, statSync } from "node:fs";
import { access, constants, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { InvalidArgumentError } from "commander";

/** Nobody should wait for a file that cannot be written then. Throws an InvalidArgumentError that names the option. */
export async function makeRoom(option: string, path: string): Promise<void> {
  try {
    await makeFolder(dirname(path));
    await access(dirname(path), constants.W_OK);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new InvalidArgumentError(`${option} ${path} cannot be written: ${why}. Name a file in a folder that can be`);
  }
  if (existsSync(path) && !statSync(path).isFile())
    throw new InvalidArgumentError(
      `${option} ${path} is no file; name one that is not there yet, or the one to replace`,
    );
}

const FOLDERS_MAX = 100;

/** Not by Node's own recursion, which never ends where a folder can neither be made nor is missing, as under /proc. */
async function makeFolder(folder: string): Promise<void> {
  const missing: string[] = [];
  for (let at = folder; !existsSync(at) && missing.length < FOLDERS_MAX; at = dirname(at)) missing.unshift(at);
  for (const each of missing) await mkdir(each);
  if (!statSync(folder).isDirectory()) throw new Error(`${folder} is not a folder`);
}

/** Whoever reads the file meanwhile sees the old one or the new one, never a part. */
export async function writeWhole(path: string, content: Uint8Array | string): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  try {
    const file = await open(part, "w");
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}
