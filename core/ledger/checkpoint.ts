import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { z } from "zod";
import { Instant } from "../ticket.ts";

const Hex64 = z.string().regex(/^[0-9a-f]{64}$/);
const Hex16 = z.string().regex(/^[0-9a-f]{16}$/);

/** What a ledger held at a moment: so many entries, with this root of their tree. */
export const TreeHead = z.strictObject({
  /** Names the ledger: `interlock-` and the first 16 characters of its first entry's hash. */
  origin: z.string().regex(/^interlock-[0-9a-f]{16}$/),
  size: z.int().positive(),
  root: Hex64,
});
export type TreeHead = z.infer<typeof TreeHead>;

/** A tree head that was signed. Whoever keeps one notices any change of the entries it covers, and the loss of any. */
export const Checkpoint = z.strictObject({
  ...TreeHead.shape,
  at: Instant,
  /** First 16 characters of the key's fingerprint. */
  keyId: Hex16,
  /** Ed25519, base64. */
  signature: z.string().regex(/^[A-Za-z0-9+/]{86}==$/),
});
export type Checkpoint = z.infer<typeof Checkpoint>;

export function originOf(firstEntryHash: string): string {
  return `interlock-${firstEntryHash.slice(0, 16)}`;
}

/** A key to sign checkpoints with. */
export interface Signer {
  keyId: string;
  /** SHA-256 of the DER of the SubjectPublicKeyInfo, in hexadecimal: what people compare. */
  fingerprint: string;
  /** Base64 of that DER, as an entry names it. */
  publicKey: string;
  sign(head: TreeHead, at: string): Checkpoint;
}

/** Reads an Ed25519 private key in PEM. Throws a TypeError for anything else, without a word of what it was. */
export function signerFrom(pem: string): Signer {
  const key = privateKeyFrom(pem);
  if (key?.asymmetricKeyType !== "ed25519") {
    throw new TypeError(
      "the key of the ledger is not an Ed25519 private key in PEM (openssl genpkey -algorithm ed25519)",
    );
  }
  const named = nameOf(createPublicKey(key));
  return {
    ...named,
    sign(head, at) {
      const open = { ...head, at, keyId: named.keyId };
      return { ...open, signature: sign(null, signedText(open), key).toString("base64") };
    },
  };
}

function privateKeyFrom(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

/** A public key that checkpoints are verified with. */
export interface Verifier {
  keyId: string;
  fingerprint: string;
  publicKey: string;
  /** Whether a checkpoint of this key's name was signed by it. */
  verifies(checkpoint: Checkpoint): boolean;
}

/** Reads an Ed25519 public key: PEM, or base64 of its DER as an entry has it. Undefined for anything else. */
export function verifierFrom(text: string): Verifier | undefined {
  const key = publicKeyFrom(text);
  if (key?.asymmetricKeyType !== "ed25519") return undefined;
  const named = nameOf(key);
  return {
    ...named,
    verifies: (checkpoint) =>
      checkpoint.keyId === named.keyId &&
      verify(null, signedText(checkpoint), key, Buffer.from(checkpoint.signature, "base64")),
  };
}

function publicKeyFrom(text: string): KeyObject | undefined {
  try {
    if (text.includes("-----BEGIN")) return createPublicKey(text);
    return createPublicKey({ key: Buffer.from(text, "base64"), format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}

function nameOf(key: KeyObject): { keyId: string; fingerprint: string; publicKey: string } {
  const der = key.export({ type: "spki", format: "der" });
  const fingerprint = createHash("sha256").update(der).digest("hex");
  return { keyId: fingerprint.slice(0, 16), fingerprint, publicKey: der.toString("base64") };
}

/** The bytes under a signature: a line for each field, so that no two checkpoints have the same. */
function signedText({ origin, size, root, at, keyId }: Omit<Checkpoint, "signature">): Buffer {
  return Buffer.from(`interlock checkpoint 1\n${origin}\n${size}\n${root}\n${at}\n${keyId}\n`);
}

/** What somebody outside knows of a ledger: its root at a size, or the beginning of it. */
export interface Witness {
  size: number;
  /** 16 to 64 characters of hexadecimal. */
  root: string;
  /** Absent in a line of a note. */
  origin?: string;
}

/** A checkpoint as a line of an audit note: its size and the first 16 characters of its root. */
export function witnessLine({ size, root }: Pick<TreeHead, "size" | "root">): string {
  return `ledger ${size}:${root.slice(0, 16)}`;
}

const WITNESS = /(?:^|[\s([])ledger ([1-9][0-9]{0,15}):([0-9a-f]{16})(?![0-9a-f])/g;

/** The witness lines in a text, such as a note; checkpoints as JSON, one a line, are read too. */
export function witnessesIn(text: string): Witness[] {
  return text.split("\n").flatMap((line): Witness[] => {
    if (line.trimStart().startsWith("{")) {
      const checkpoint = checkpointIn(line);
      return checkpoint ? [checkpoint] : [];
    }
    return [...line.matchAll(WITNESS)].map(([, size, root]) => ({ size: Number(size), root: root ?? "" }));
  });
}

function checkpointIn(line: string): Checkpoint | undefined {
  try {
    return Checkpoint.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined; // the last line of a file may be cut short by a crash
  }
}
