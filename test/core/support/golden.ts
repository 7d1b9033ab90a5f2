import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Compares a text with the one that was accepted. What an admin or an agent reads is part of the product, so a change
 * of it is a reviewed diff: GOLDEN=write accepts the new text.
 */
export function expectGolden(golden: URL, actual: string): void {
  const file = fileURLToPath(golden);
  if (process.env["GOLDEN"] === "write") writeFileSync(file, actual);
  const accepted = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (accepted === actual) return;
  const changes = lineDiff(accepted.split("\n"), actual.split("\n")).join("\n");
  throw new Error(
    `the text differs from ${basename(file)} (- accepted, + now):\n${changes}\nIf it is meant so: GOLDEN=write npm test`,
  );
}

/** The lines of two texts that are not common to both, by longest common subsequence. */
export function lineDiff(before: readonly string[], after: readonly string[]): string[] {
  const common = commonLengths(before, after);
  const found: string[] = [];
  let [left, right] = [0, 0];
  while (left < before.length || right < after.length) {
    if (left < before.length && right < after.length && before[left] === after[right]) {
      left += 1;
      right += 1;
    } else if (
      right >= after.length ||
      (left < before.length && (common[left + 1]?.[right] ?? 0) >= (common[left]?.[right + 1] ?? 0))
    ) {
      found.push(`- ${before[left] ?? ""}`);
      left += 1;
    } else {
      found.push(`+ ${after[right] ?? ""}`);
      right += 1;
    }
  }
  return found;
}

/** At [i][j], how many lines the rests from i and from j have in common. */
function commonLengths(before: readonly string[], after: readonly string[]): number[][] {
  const lengths = Array.from({ length: before.length + 1 }, () => new Array<number>(after.length + 1).fill(0));
  for (let left = before.length - 1; left >= 0; left -= 1) {
    const row = lengths[left] ?? [];
    for (let right = after.length - 1; right >= 0; right -= 1) {
      const skipped = Math.max(lengths[left + 1]?.[right] ?? 0, row[right + 1] ?? 0);
      row[right] = before[left] === after[right] ? (lengths[left + 1]?.[right + 1] ?? 0) + 1 : skipped;
    }
  }
  return lengths;
}
