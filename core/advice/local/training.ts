import { LABEL_FIELDS, type LabelField } from "../step.ts";
import { type Corpus, type CorpusTicket, type HoldOut, isHeldOut } from "./corpus.ts";
import { type ClassifyHeader, FEATURES, type Head, LABELS_MAX } from "./header.ts";
import { trainLinear } from "./linear.ts";
import { ClassifyModel, sealClassify } from "./model.ts";
import { Rows } from "./rows.ts";
import { seenIn } from "./seen.ts";
import { learnVocabulary, Vectors, type Vocabulary } from "./vocabulary.ts";
import { quantised, type Weights } from "./weights.ts";

/** A label that fewer tickets have is left out: a model would only guess at it. */
export const TICKETS_PER_LABEL_MIN = 5;
/** Tickets that read the same count this often at most, or one noisy alert would drown the rest. */
const TIMES_MAX = TICKETS_PER_LABEL_MIN;

export interface TrainingSettings extends HoldOut {
  /** ISO 8601, in UTC. */
  trainedAt: string;
  onProgress?: (share: number) => void;
}

export interface LeftOut {
  label: string;
  tickets: number;
  /** rare: too few tickets to learn from. many: others are commoner, and no more have room. */
  why: "rare" | "many";
}

/** A field that was learnt, or why it was not. */
export interface HeadReport {
  field: LabelField;
  /** Tickets that were learnt from. */
  tickets: number;
  labels: readonly { label: string; tickets: number }[];
  leftOut: readonly LeftOut[];
  /** no_label: no label has enough tickets. one_label: only one has, so there is nothing to tell apart. */
  refused?: "no_label" | "one_label";
  heldOut?: HeldOut;
}

/** How a field did on tickets that were held out. A ticket whose label was left out counts as wrong. */
export interface HeldOut {
  tickets: number;
  correct: number;
  /** How many would be right if every ticket were given the commonest label. */
  commonest: number;
}

export interface Training {
  /** The model's file; undefined where no field could be learnt. */
  file?: Uint8Array;
  heads: readonly HeadReport[];
  /** Tickets that were learnt from and that were held out, alike ones counted. */
  tickets: number;
  heldOutTickets: number;
}

/** Learns all fields that tickets have labels of. The same tickets and settings make the same bytes. */
export function trainClassifier(corpus: Corpus, settings: TrainingSettings): Training {
  const heldOut: CorpusTicket[] = [];
  const learnt: CorpusTicket[] = [];
  for (const ticket of corpus.tickets) (isHeldOut(ticket.text, settings) ? heldOut : learnt).push(ticket);
  const counts = { tickets: timesOf(learnt), heldOutTickets: timesOf(heldOut) };
  const fields = LABEL_FIELDS.filter((field) => corpus.tickets.some(({ labels }) => labels[field] !== undefined));
  const reports = fields.map((field) => choose(field, learnt));
  const chosen = reports.filter(({ refused }) => refused === undefined);
  if (chosen.length === 0) return { heads: reports, ...counts };
  const texts = [...new Set(learnt.map(({ text }) => text))];
  const vocabulary = learnVocabulary(texts);
  const weights = learn(chosen, learnt, { ...settings, vocabulary });
  const header: ClassifyHeader = {
    trainedAt: settings.trainedAt,
    seed: settings.seed,
    tickets: counts.tickets,
    dataDigest: corpus.digest,
    holdOutPercent: settings.percent,
    features: FEATURES,
    vocabulary: vocabulary.buckets.length,
    vocabularyTexts: vocabulary.of,
    heads: chosen.map(({ field, labels }): Head => ({ field, labels: [...labels] })),
  };
  const seen = seenIn(texts);
  const judged = measure(new ClassifyModel({ header, vocabulary, weights, seen }), heldOut);
  const heads = header.heads.map((head): Head => {
    const its = judged.get(head.field);
    return its ? { ...head, heldOut: { tickets: its.tickets, correct: its.correct } } : head;
  });
  return {
    file: sealClassify({ header: { ...header, heads }, vocabulary, weights, seen }),
    heads: reports.map((report) => ({ ...report, ...heldOutOf(judged.get(report.field)) })),
    ...counts,
  };
}

function heldOutOf(heldOut: HeldOut | undefined): { heldOut?: HeldOut } {
  return heldOut ? { heldOut } : {};
}

function timesOf(tickets: readonly CorpusTicket[]): number {
  return tickets.reduce((sum, { times }) => sum + times, 0);
}

/** The labels of a field that can be learnt: by the alphabet, so that counts do not order them. */
function choose(field: LabelField, learnt: readonly CorpusTicket[]): HeadReport {
  const counts = new Map<string, number>();
  for (const { labels, times } of learnt) {
    const label = labels[field];
    if (label !== undefined) counts.set(label, (counts.get(label) ?? 0) + times);
  }
  const all = [...counts].map(([label, tickets]) => ({ label, tickets }));
  all.sort((a, b) => b.tickets - a.tickets || (a.label < b.label ? -1 : 1));
  const common = all.filter(({ tickets }) => tickets >= TICKETS_PER_LABEL_MIN);
  const labels = common.slice(0, LABELS_MAX).sort((a, b) => (a.label < b.label ? -1 : 1));
  const leftOut = [
    ...common.slice(LABELS_MAX).map((each): LeftOut => ({ ...each, why: "many" })),
    ...all.slice(common.length).map((each): LeftOut => ({ ...each, why: "rare" })),
  ];
  const report = { field, labels, leftOut, tickets: labels.reduce((sum, { tickets }) => sum + tickets, 0) };
  if (labels.length > 1) return report;
  return { ...report, refused: labels.length === 0 ? "no_label" : "one_label" };
}

/** The weights of each field, over features that all share. */
function learn(
  heads: readonly HeadReport[],
  learnt: readonly CorpusTicket[],
  { vocabulary, seed, onProgress = () => {} }: TrainingSettings & { vocabulary: Vocabulary },
): Weights[] {
  const vectors = new Vectors(vocabulary);
  const rows = new Rows();
  for (const { text } of learnt) {
    vectors.read(text);
    rows.add(vectors);
  }
  const times = Uint8Array.from(learnt, (ticket) => Math.min(TIMES_MAX, ticket.times));
  return heads.map(({ field, labels }, done) => {
    const classOf = new Map(labels.map(({ label }, at) => [label, at]));
    const classes = Int16Array.from(learnt, (ticket) => classOf.get(ticket.labels[field] ?? "") ?? -1);
    const size = { columns: vocabulary.buckets.length, classes: labels.length, seed };
    return quantised(
      trainLinear(rows.with(classes, times), size, (share) => onProgress((done + share) / heads.length)),
    );
  });
}

function measure(model: ClassifyModel, heldOut: readonly CorpusTicket[]): ReadonlyMap<LabelField, HeldOut> {
  const commonest = new Map(
    model.header.heads.map(({ field, labels }) => [
      field,
      labels.reduce((most, each) => (each.tickets > most.tickets ? each : most)).label,
    ]),
  );
  const judged = new Map<LabelField, HeldOut>();
  for (const { text, labels } of heldOut) {
    const prediction = model.predict(text);
    for (const { field } of model.header.heads) {
      if (labels[field] === undefined) continue;
      const its = judged.get(field) ?? { tickets: 0, correct: 0, commonest: 0 };
      judged.set(field, its);
      its.tickets++;
      if (prediction[field]?.[0]?.label === labels[field]) its.correct++;
      if (commonest.get(field) === labels[field]) its.commonest++;
    }
  }
  return judged;
}
