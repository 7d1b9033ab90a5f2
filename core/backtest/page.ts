import { escaped } from "./chart.ts";

const STYLE = `
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2530; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid #d8dee6; }
td + td, th + th { text-align: right; } td.sub { padding-left: 1.8rem; color: #4a5665; }
figure { margin: 1rem 0; } figcaption { font-weight: 600; } svg { width: 100%; font-size: 13px; fill: #1d2530; }
.would { fill: #2f6f9f; } .was { fill: #a9b4c0; } li { margin: .2rem 0; }
.grid { stroke: #d8dee6; } .curve { fill: none; stroke: #2f6f9f; stroke-width: 2; }
`;

/** Parts of HTML as one file: no script, nothing loaded from elsewhere. The parts are escaped already, the title is not. */
export function htmlPage(title: string, parts: readonly string[]): string {
  const guard = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`;
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8">${guard}<title>${escaped(title)}</title><style>${STYLE}</style></head>\n<body>\n${parts.join("\n")}\n</body></html>\n`;
}
