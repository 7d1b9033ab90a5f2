/**
 * Writes `coverage.svg`, the curve of docs/ai.md, from a file of calibrations:
 *   node docs/coverage.ts <model>.calibration.json
 */
import { readFileSync, writeFileSync } from "node:fs";
import { coverageCurve } from "../core/advice/calibration/coverage-html.ts";
import { CalibrationFile } from "../core/advice/calibration/file.ts";

const STYLE =
  "text{font:13px system-ui,sans-serif;fill:#1d2530}.grid{stroke:#d8dee6}.curve{fill:none;stroke:#2f6f9f;stroke-width:2}";

/** The curve of categories as a picture that stands by itself. */
export function coverageSvg(calibrations: CalibrationFile): string {
  const { category } = calibrations;
  if (!category) throw new Error("no category was calibrated; train with --label category=<column> --calibrate");
  const figure = coverageCurve(category);
  const svg = figure.slice(figure.indexOf("<svg "), figure.indexOf("</figure>"));
  const framed = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ');
  const at = framed.indexOf(">") + 1;
  const paper = '<rect width="100%" height="100%" fill="#fff"/>';
  return `${framed.slice(0, at)}<style>${STYLE}</style>${paper}${framed.slice(at)}\n`;
}

if (import.meta.main) {
  const [, , path = ""] = process.argv;
  const calibrations = CalibrationFile.parse(JSON.parse(readFileSync(path, "utf8")));
  writeFileSync(new URL("coverage.svg", import.meta.url), coverageSvg(calibrations));
}
