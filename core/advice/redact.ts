import { keySpans } from "./keys.ts";
import { numberSpans, type PhoneCountry } from "./numbers.ts";
import { emailSpans, type KnownPerson, peopleFinder } from "./people.ts";
import { merged, SENSITIVE_KINDS, type SensitiveKind, type Span, spansOf } from "./span.ts";

export interface RedactionOptions {
  /** The ticket's own people, whose names are known. Names of others are not recognised. */
  people?: readonly KnownPerson[];
  /** The country of phone numbers without a country code; without it only the most certain national forms are found. */
  phoneCountry?: PhoneCountry | undefined;
}

/** What a mark looks like. One that stands in the text already gets a mark of its own, so that marks are always ours. */
const MARK = /\[([A-Z]{2,10})_(\d{1,6})\]/g;

/**
 * What was taken out of one request's texts, and the marks that stand for it: `[EMAIL_1]`. The same value has the same
 * mark in all texts of the request. Lives as long as the request, in memory only: it cannot be serialised, logged or
 * cloned with its values.
 */
export class Redaction {
  readonly #findPeople: (text: string) => Span[];
  readonly #phoneCountry: PhoneCountry | undefined;
  readonly #markOf = new Map<string, string>();
  readonly #valueOf = new Map<string, string>();
  readonly #counts = new Map<SensitiveKind, number>();

  constructor({ people = [], phoneCountry }: RedactionOptions = {}) {
    this.#findPeople = peopleFinder(people);
    this.#phoneCountry = phoneCountry;
  }

  /** The text with marks for what must not leave the machine. Time grows with its length; the caller bounds that. */
  redact(text: string): string {
    const spans = merged([
      ...keySpans(text),
      ...emailSpans(text),
      ...numberSpans(text, this.#phoneCountry),
      ...this.#findPeople(text),
      ...spansOf(text, MARK, { kind: "MARK" }),
    ]);
    let at = 0;
    let out = "";
    for (const { kind, start, end } of spans) {
      out += text.slice(at, start) + this.#mark(kind, text.slice(start, end));
      at = end;
    }
    return out + text.slice(at);
  }

  /**
   * The text with what its marks stand for. For showing something to a person who may see the ticket, never for text that
   * goes back to a model: whoever writes marks chooses what is put in their place.
   */
  restore(text: string): string {
    return text.replace(MARK, (mark) => this.#valueOf.get(mark) ?? mark);
  }

  /** How many different values of each kind were taken out. */
  counts(): Readonly<Partial<Record<SensitiveKind, number>>> {
    return Object.fromEntries(
      SENSITIVE_KINDS.flatMap((kind) => {
        const count = this.#counts.get(kind);
        return count === undefined ? [] : [[kind, count]];
      }),
    );
  }

  /** Nothing, so that no log line and no record can hold the values by accident. */
  toJSON(): undefined {
    return undefined;
  }

  #mark(kind: SensitiveKind, value: string): string {
    const known = this.#markOf.get(value);
    if (known !== undefined) return known;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    const mark = `[${kind}_${count}]`;
    this.#counts.set(kind, count);
    this.#markOf.set(value, mark);
    this.#valueOf.set(mark, value);
    return mark;
  }
}
