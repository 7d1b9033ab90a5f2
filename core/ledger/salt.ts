import { randomFillSync } from "node:crypto";

const BYTES = 16;
/** Asking the system for bytes costs more than making them into text: a few hundred salts share a call. */
const POOL = 512 * BYTES;

/** Salts from the system's random bytes. */
export function randomSalts(): () => string {
  const pool = Buffer.alloc(POOL);
  let at = POOL;
  return () => {
    if (at === POOL) {
      randomFillSync(pool);
      at = 0;
    }
    at += BYTES;
    return pool.toString("hex", at - BYTES, at);
  };
}
