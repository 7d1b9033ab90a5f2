import type { Limits } from "../limits.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/**
 * Looks over raw JSON bytes before anything parses them: nesting and keys within limits. One pass, no allocation;
 * what it lets through can be walked recursively without fear for the stack. Says nothing about validity.
 */
export function jsonWithinLimits(bytes: Uint8Array, limits: Pick<Limits, "jsonDepthMax" | "jsonKeysMax">): boolean {
  let depth = 0;
  let keys = 0;
  let inText = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (inText) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inText = false;
      continue;
    }
    if (byte === QUOTE) inText = true;
    else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > limits.jsonDepthMax) return false;
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1;
    else if (byte === COLON) {
      keys += 1;
      if (keys > limits.jsonKeysMax) return false;
    }
  }
  return true;
}
