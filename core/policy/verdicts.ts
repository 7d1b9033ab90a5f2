import { RULES_MAX, type Verdict } from "./rule.ts";

const LETTERS: Readonly<Record<Verdict, string>> = { matched: "m", not_matched: "n", not_asked: "s", errored: "e" };

const VERDICTS: Readonly<Record<string, Verdict>> = Object.fromEntries(
  Object.entries(LETTERS).map(([verdict, letter]) => [letter, verdict as Verdict]), // the keys of LETTERS
);

/** Each letter as often as a table has rules at most: a run cut from it is not built letter by letter. */
const RUNS: Readonly<Record<Verdict, string>> = {
  matched: LETTERS.matched.repeat(RULES_MAX),
  not_matched: LETTERS.not_matched.repeat(RULES_MAX),
  not_asked: LETTERS.not_asked.repeat(RULES_MAX),
  errored: LETTERS.errored.repeat(RULES_MAX),
};

/** The verdict that a letter of a trace stands for; undefined for what is no such letter. */
export function verdictOf(letter: string | undefined): Verdict | undefined {
  return letter === undefined ? undefined : VERDICTS[letter];
}

/** The verdicts of a policy's rules, in their order. */
export class Verdicts {
  /** How many rules have their verdict. */
  length = 0;
  #letters = "";
  /** The runs before the last one, and the last one. */
  #runs = "";
  #last = "";
  #times = 0;

  /** Gives the same verdict to so many rules. */
  add(verdict: Verdict, times = 1): void {
    if (times <= 0) return;
    const letter = LETTERS[verdict];
    this.#letters += times <= RULES_MAX ? RUNS[verdict].slice(0, times) : letter.repeat(times);
    this.length += times;
    if (letter !== this.#last) {
      this.#runs = this.runs;
      this.#last = letter;
      this.#times = 0;
    }
    this.#times += times;
  }

  /** Gives a verdict to all rules before a position that have none yet. */
  fill(upTo: number, verdict: Verdict): void {
    this.add(verdict, upTo - this.length);
  }

  /** One letter per rule, as a trace holds them. */
  get letters(): string {
    return this.#letters;
  }

  /** The same as runs, `120n1m379s`: as long as a table is varied, not as long as it is. */
  get runs(): string {
    return this.#times === 0 ? this.#runs : `${this.#runs}${this.#times}${this.#last}`;
  }
}
