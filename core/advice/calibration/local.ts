import type { Corpus, CorpusTicket } from "../local/corpus.ts";
import { type ClassifyModel, openClassify } from "../local/model.ts";
import { trainClassifier } from "../local/training.ts";
import type { Judged } from "../score.ts";
import { LABEL_FIELDS, type LabelField } from "../step.ts";
import { type CalibrateOptions, calibrate } from "./calibrate.ts";
import type { CalibrationFile } from "./file.ts";
import { crossFitted, foldsOf } from "./folds.ts";

/** Parts of a cross-fit. With ten, training takes twice as long and hardly more happens by itself. */
export const FOLDS = 5;

/** An answer of the past for one field of the classification. */
export interface FieldAnswer extends Judged {
  field: LabelField;
}

export interface CrossFitSettings {
  seed: number;
  folds?: number;
  /** Told the share that is done, 0 to 1. */
  onProgress?: (share: number) => void;
}

/**
 * What a model answers to tickets whose labels are known. A text counts once for each label that people gave it, however
 * often it came; a text that says nothing to the model has no answer.
 */
export function answersOf(model: ClassifyModel, tickets: readonly CorpusTicket[]): FieldAnswer[] {
  const counted = new Set<string>();
  return tickets.flatMap(({ text, labels }) => {
    const prediction = model.predict(text);
    return LABEL_FIELDS.flatMap((field): FieldAnswer[] => {
      const [best] = prediction[field] ?? [];
      const truth = labels[field];
      const told = `${field}\n${truth}\n${text}`;
      if (!best || truth === undefined || counted.has(told)) return [];
      counted.add(told);
      return [{ field, ...best, correct: best.label === truth }];
    });
  });
}

/**
 * What a model trained on a corpus is worth, without holding any of it back: the corpus is dealt into parts by its texts,
 * and each part is answered by a model trained on the others, in the same way as the model itself.
 */
export function crossFittedAnswers(
  corpus: Corpus,
  { seed, folds = FOLDS, onProgress = () => {} }: CrossFitSettings,
): FieldAnswer[] {
  const texts = corpus.tickets.map(({ text }) => text);
  let done = 0;
  return crossFitted(corpus.tickets, foldsOf(texts, { count: folds, seed }), (known, unseen) => {
    const training = { seed, percent: 0, trainedAt: "1970-01-01T00:00:00Z" };
    const { file } = trainClassifier(
      { ...corpus, tickets: known },
      { ...training, onProgress: (share) => onProgress((done + share) / folds) },
    );
    done += 1;
    return file === undefined ? [] : answersOf(opened(file), unseen);
  });
}

function opened(file: Uint8Array): ClassifyModel {
  const model = openClassify(file);
  if ("fault" in model) throw new Error(`a model that was just trained is refused: ${model.message}`);
  return model.model;
}

/** Calibrates each field that there are answers for. */
export function calibrateFields(answers: readonly FieldAnswer[], options: CalibrateOptions): CalibrationFile {
  const calibrations: CalibrationFile = {};
  for (const field of LABEL_FIELDS) {
    const its = answers.filter((answer) => answer.field === field);
    if (its.length > 0) calibrations[field] = calibrate(its, options);
  }
  return calibrations;
}

/** Labels of a field that people used and the model cannot answer, with their tickets, most first: each counts as an error. */
export function unknownLabels(
  model: ClassifyModel,
  tickets: readonly CorpusTicket[],
  field: LabelField,
): { label: string; tickets: number }[] {
  const head = model.header.heads.find((each) => each.field === field);
  const known = new Set(head?.labels.map(({ label }) => label));
  const counts = new Map<string, number>();
  for (const { labels } of tickets) {
    const label = labels[field];
    if (label !== undefined && !known.has(label)) counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const found = [...counts].map(([label, count]) => ({ label, tickets: count }));
  return found.sort((a, b) => b.tickets - a.tickets || (a.label < b.label ? -1 : 1));
}
