import { z } from "zod";
import { canonicalJson } from "../../canonical.ts";
import { LABEL_FIELDS } from "../step.ts";
import { Calibration } from "./calibration.ts";

/** Longest file of calibrations, in UTF-16 units: four fields with more labels than any desk has. */
const UNITS_MAX = 32 * 1_048_576;

/** What was measured of one model, field by field of the classification. */
export const CalibrationFile = z.partialRecord(z.enum(LABEL_FIELDS), Calibration);
export type CalibrationFile = z.infer<typeof CalibrationFile>;

/** Why a file of calibrations is not used. Closed. */
export const CALIBRATION_FAULTS = [
  /** Not a file of calibrations, or of a version that writes another format. */
  "foreign",
  /** It was measured on another model, whose scores say nothing about this one's. */
  "other_model",
] as const;
export type CalibrationFault = (typeof CALIBRATION_FAULTS)[number];

/** Why a file is not used, and what to do about it. Without calibrations every answer is a suggestion. */
export interface CalibrationRefused {
  fault: CalibrationFault;
  message: string;
}

/** The text of a file: the same calibrations have the same bytes. */
export function writeCalibrations(calibrations: CalibrationFile): string {
  return `${canonicalJson(calibrations)}\n`;
}

/**
 * Calibrations of the model with that digest, or of one model whichever it is, from the text of a file, which may be
 * anything.
 */
export function readCalibrations(text: string, modelDigest: string | undefined): CalibrationFile | CalibrationRefused {
  const parsed = CalibrationFile.safeParse(parsedJson(text));
  if (!parsed.success)
    return {
      fault: "foreign",
      message: "it holds no calibrations of this version; run `interlock calibrate`, or `interlock train --calibrate`",
    };
  const wanted = modelDigest ?? Object.values(parsed.data)[0]?.modelDigest;
  if (Object.values(parsed.data).some((each) => each.modelDigest !== wanted))
    return {
      fault: "other_model",
      message: "it was measured on another model; run `interlock calibrate` for the one that is in use",
    };
  return parsed.data;
}

function parsedJson(text: string): unknown {
  if (text.length > UNITS_MAX) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
