import type { Examples } from "./linear.ts";

/** Rows of features as they come, in arrays that grow: most are short, and nobody knows how many there will be. */
export class Rows {
  #columns = new Uint16Array(4_096);
  #values = new Float32Array(4_096);
  readonly #starts: number[] = [0];
  #length = 0;

  /** Adds a row: the first `count` of both arrays. */
  add({ columns, values, count }: { columns: Uint16Array; values: Float32Array; count: number }): void {
    if (this.#length + count > this.#columns.length) this.#grow(this.#length + count);
    this.#columns.set(columns.subarray(0, count), this.#length);
    this.#values.set(values.subarray(0, count), this.#length);
    this.#length += count;
    this.#starts.push(this.#length);
  }

  /** All rows, for the labels that one field gives them. */
  with(classes: Int16Array, times?: Uint8Array): Examples {
    return {
      starts: Uint32Array.from(this.#starts),
      columns: this.#columns,
      values: this.#values,
      classes,
      ...(times && { times }),
    };
  }

  #grow(needed: number): void {
    const length = Math.max(needed, 2 * this.#columns.length);
    const columns = new Uint16Array(length);
    columns.set(this.#columns);
    this.#columns = columns;
    const values = new Float32Array(length);
    values.set(this.#values);
    this.#values = values;
  }
}
