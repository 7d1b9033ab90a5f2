/** One bar. `share` is of the chart's whole width, 0 to 1. */
export interface Bar {
  label: string;
  value: string;
  share: number;
  /** Drawn as what was, not as what would be. */
  faint?: boolean;
}

const WIDTH = 760;
const LABEL = 300;
const BAR = 330;
const ROW = 26;
const LABEL_MAX = 46;

/** Text as it may stand in HTML and SVG, in elements and in quoted attributes. */
export function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/** A chart of horizontal bars as SVG, without script and without anything from elsewhere. */
export function barChart(title: string, bars: readonly Bar[]): string {
  const height = bars.length * ROW + 6;
  const rows = bars.map(({ label, value, share, faint }, index) => {
    const y = index * ROW + 4;
    const width = Math.max(1, Math.round(BAR * Math.min(1, Math.max(0, share))));
    const short = label.length > LABEL_MAX ? `${label.slice(0, LABEL_MAX - 1)}…` : label;
    return [
      `<text x="${LABEL - 10}" y="${y + 14}" text-anchor="end">${escaped(short)}</text>`,
      `<rect x="${LABEL}" y="${y}" width="${width}" height="18" rx="2" class="${faint ? "was" : "would"}"/>`,
      `<text x="${LABEL + width + 8}" y="${y + 14}">${escaped(value)}</text>`,
    ].join("");
  });
  const name = escaped(title);
  return `<figure><figcaption>${name}</figcaption><svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${name}">${rows.join("")}</svg></figure>`;
}
