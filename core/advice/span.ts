/** What is never shown to a model, strongest first: where two overlap, the stretch counts as the stronger. */
export const SENSITIVE_KINDS = ["KEY", "EMAIL", "IBAN", "CARD", "IP", "PHONE", "NAME", "MARK"] as const;
export type SensitiveKind = (typeof SENSITIVE_KINDS)[number];

/** A stretch of a text, in UTF-16 units. */
export interface Span {
  kind: SensitiveKind;
  start: number;
  end: number;
}

/** The stretches in order; those that overlap become one, so that nothing that anybody found is left in part. */
export function merged(spans: readonly Span[]): Span[] {
  const out: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.start - b.start || b.end - a.end)) {
    const last = out.at(-1);
    if (last === undefined || span.start >= last.end) {
      out.push({ ...span });
      continue;
    }
    last.end = Math.max(last.end, span.end);
    if (rank(span.kind) < rank(last.kind)) last.kind = span.kind;
  }
  return out;
}

function rank(kind: SensitiveKind): number {
  return SENSITIVE_KINDS.indexOf(kind);
}

/** Every match of a pattern, as far as `accept` takes it. */
export function spansOf(
  text: string,
  pattern: RegExp,
  { kind, accept = () => true }: { kind: SensitiveKind; accept?: (found: string, at: number) => boolean },
): Span[] {
  return [...text.matchAll(pattern)]
    .filter(({ 0: found, index }) => accept(found, index))
    .map(({ 0: found, index }) => ({ kind, start: index, end: index + found.length }));
}
