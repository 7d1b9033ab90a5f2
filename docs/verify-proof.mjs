// Verifies a bundle of `interlock ledger prove` with nothing but Node:
//
//     node verify-proof.mjs bundle.json [public-key.pem]
//
// Exit code 0: every entry in it stood in the ledger when the checkpoint was signed. 1: it does not hold. 2: wrong usage.
// Give the public key that you were handed before: without it the bundle is held against the key that it brings along.
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash("sha256")).digest();
const bytes = (hex) => Buffer.from(hex, "hex");
const isHash = (text) => typeof text === "string" && /^[0-9a-f]{64}$/.test(text);

function demand(holds, what) {
  if (!holds) throw new Error(what);
}

/** Exactly these keys, in this order. */
function hasKeys(value, ...keys) {
  demand(value !== null && typeof value === "object" && Object.keys(value).join() === keys.join(), `expected ${keys}`);
}

/** The hash of an entry: its fields, a line each; for its body stands the hash of salt and body. */
function hashOfEntry({ seq, at, kind, ticket, body, prev, salt, commitment }) {
  demand(Number.isSafeInteger(seq) && seq > 0, "an entry has no number");
  demand(![at, kind, prev].some((text) => typeof text !== "string" || text.includes("\n")), `entry ${seq}: a bad line`);
  demand(ticket === null || (typeof ticket === "string" && !ticket.includes("\n")), `entry ${seq}: a bad ticket`);
  let last = body;
  if (body === "") {
    demand(isHash(commitment) && salt === null, `entry ${seq}: a dropped body leaves its commitment`);
    last = commitment;
  } else {
    demand(commitment === null, `entry ${seq}: a commitment beside a body`);
    demand(salt === null || /^[0-9a-f]{32}$/.test(salt), `entry ${seq}: a bad salt`);
    demand(body.startsWith("{"), `entry ${seq}: a bad body`);
    if (salt !== null) last = sha256(`${salt}\n${body}`).toString("hex");
  }
  const lines = [seq, at, kind, ticket === null ? "-" : `=${ticket}`, prev, last];
  return sha256(lines.join("\n")).toString("hex");
}

/** RFC 9162, 2.1.3.2: the root that a leaf and its path lead to. */
function rootFrom(index, size, leaf, path) {
  let [at, last, root] = [index, size - 1, leaf];
  for (const hex of path) {
    demand(last > 0 && isHash(hex), "a path is too long or no path");
    const left = at % 2 === 1 || at === last;
    root = left ? sha256(Buffer.of(1), bytes(hex), root) : sha256(Buffer.of(1), root, bytes(hex));
    if (left) while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  demand(last === 0, "a path is too short");
  return root.toString("hex");
}

function verifyBundle(text, knownKey) {
  const bundle = JSON.parse(text);
  demand(`${JSON.stringify(bundle)}\n` === text, "the file is not in the form in which it was written");
  hasKeys(bundle, "format", "publicKey", "checkpoint", "entries");
  demand(bundle.format === "interlock-proof/1", "the format is not known here");
  const { publicKey, checkpoint, entries } = bundle;
  const key = createPublicKey({ key: Buffer.from(publicKey, "base64"), format: "der", type: "spki" });
  const der = key.export({ format: "der", type: "spki" });
  demand(key.asymmetricKeyType === "ed25519" && der.toString("base64") === publicKey, "the public key cannot be read");
  demand(!knownKey || knownKey.equals(key), "the bundle is signed by another key than the one you gave");

  hasKeys(checkpoint, "origin", "size", "root", "at", "keyId", "signature");
  const { origin, size, root, at, keyId, signature } = checkpoint;
  const signed = `interlock checkpoint 1\n${origin}\n${size}\n${root}\n${at}\n${keyId}\n`;
  const given = Buffer.from(signature, "base64");
  demand(given.toString("base64") === signature, "the signature cannot be read");
  demand(sha256(der).toString("hex").startsWith(keyId) && keyId.length === 16, "the checkpoint names another key");
  demand(verify(null, Buffer.from(signed), key, given), "the signature of the checkpoint is wrong");

  demand(Array.isArray(entries) && entries.length > 0, "there is no entry in it");
  for (const proven of entries) {
    hasKeys(proven, "entry", "path");
    const { entry, path } = proven;
    hasKeys(entry, "seq", "at", "kind", "ticket", "body", "prev", "hash", "salt", "commitment");
    demand(hashOfEntry(entry) === entry.hash, `entry ${entry.seq} was changed`);
    const leaf = sha256(Buffer.of(0), bytes(entry.hash));
    demand(rootFrom(entry.seq - 1, size, leaf, path) === root, `entry ${entry.seq} is not in the tree that was signed`);
  }
  return `${entries.length} entries stood in ${origin} when ${size} entries were signed at ${at} by key ${keyId}.`;
}

const [file, pem] = process.argv.slice(2);
let exitCode = 2;
try {
  if (!file) throw new Error("usage: node verify-proof.mjs bundle.json [public-key.pem]");
  const [bundle, known] = [readFileSync(file, "utf8"), pem && createPublicKey(readFileSync(pem))];
  exitCode = 1;
  console.log(`Holds: ${verifyBundle(bundle, known)}`);
  exitCode = 0;
} catch ({ message }) {
  console.log(exitCode === 1 ? `Does NOT hold: ${message}.` : `Nothing was verified: ${message}`);
}
process.exitCode = exitCode;
