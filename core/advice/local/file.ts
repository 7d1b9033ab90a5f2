import { sha256Hex } from "../../canonical.ts";

/** Of the whole file. Four fields with 200 labels each and all features come to 53 MB. */
export const MODEL_BYTES_MAX = 64 * 1_048_576;
/** Of the part before the weights. */
const HEADER_BYTES_MAX = 1_048_576;
const FIRST_LINE_BYTES_MAX = 160;
const MAGIC = "interlock-model";
const FORMAT = 1;
const NEWLINE = 0x0a;

/** What a model is for; a file of one kind is not read as another. */
export const MODEL_KINDS = ["classify", "outcome"] as const;
export type ModelKind = (typeof MODEL_KINDS)[number];

/** Why a model file is not used. Closed. */
export const MODEL_FAULTS = [
  /** Not a model file, or one of another kind. */
  "foreign",
  /** Made by a version of Interlock that writes another format. */
  "other_version",
  "too_large",
  /** It ends too early. */
  "cut",
  /** A byte of it has changed. */
  "corrupt",
  /** Whole, but what it says of itself does not fit together. */
  "invalid",
] as const;
export type ModelFault = (typeof MODEL_FAULTS)[number];

/** Why a file is not a model, and what to do about it. */
export interface ModelRefused {
  fault: ModelFault;
  message: string;
}

export interface SealedModel {
  /** SHA-256 of all that follows the first line: another model has another. */
  checksum: string;
  header: unknown;
  payload: Uint8Array;
}

const FAULT_MESSAGES: Readonly<Record<ModelFault, string>> = {
  foreign: "it is not a model of this kind; name a file that `interlock train` wrote",
  other_version: "another version of Interlock wrote it; train it again with this one",
  too_large: `it is larger than ${MODEL_BYTES_MAX} bytes; name a file that \`interlock train\` wrote`,
  cut: "it ends too early; copy it again from where it was trained, or train it again",
  corrupt: "it has changed since it was written; copy it again from where it was trained, or train it again",
  invalid: "what it holds does not fit together; train it again",
};

export function refusedModel(fault: ModelFault): ModelRefused {
  return { fault, message: FAULT_MESSAGES[fault] };
}

/** Bytes of a model file: a line with what it is, its length and its checksum, a line with the header, the weights. */
export function sealModel(kind: ModelKind, header: unknown, payload: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), payload]);
  const sealed = Buffer.concat([Buffer.from(`${MAGIC} ${FORMAT} ${kind} ${body.length} ${sha256Hex(body)}\n`), body]);
  if (sealed.length > MODEL_BYTES_MAX) throw new RangeError(`a model of ${sealed.length} bytes is too large`);
  return sealed;
}

/** The parts of a model file, whose bytes may be anything. Nothing of them is believed before the checksum holds. */
export function openSealed(bytes: Uint8Array, kind: ModelKind): SealedModel | ModelRefused {
  if (bytes.length > MODEL_BYTES_MAX) return refusedModel("too_large");
  const end = bytes.subarray(0, FIRST_LINE_BYTES_MAX).indexOf(NEWLINE);
  const first = end < 0 ? "" : Buffer.from(bytes.subarray(0, end)).toString("latin1");
  const [, format, itsKind, length, checksum] =
    /^interlock-model (\d{1,6}) ([a-z_]{1,32}) (\d{1,10}) ([0-9a-f]{64})$/.exec(first) ?? [];
  if (checksum === undefined || (Number(format) === FORMAT && itsKind !== kind)) return refusedModel("foreign");
  if (Number(format) !== FORMAT) return refusedModel("other_version");
  const body = bytes.subarray(end + 1);
  if (body.length < Number(length)) return refusedModel("cut");
  if (body.length > Number(length) || sha256Hex(body) !== checksum) return refusedModel("corrupt");
  const headerEnd = body.subarray(0, HEADER_BYTES_MAX).indexOf(NEWLINE);
  if (headerEnd < 0) return refusedModel("invalid");
  try {
    const header: unknown = JSON.parse(Buffer.from(body.subarray(0, headerEnd)).toString("utf8"));
    return { checksum, header, payload: body.subarray(headerEnd + 1) };
  } catch {
    return refusedModel("invalid");
  }
}
