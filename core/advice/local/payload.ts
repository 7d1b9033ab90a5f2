/** Numbers as bytes, the smallest part first whatever the machine's own order. Reading past the end is a RangeError. */
export interface Reader {
  uint32s(count: number): Uint32Array;
  int16s(count: number): Int16Array;
  float64s(count: number): Float64Array;
}

export interface Writer {
  readonly bytes: Uint8Array;
  uint32s(values: Uint32Array): void;
  int16s(values: Int16Array): void;
  float64s(values: Float64Array): void;
}

export function reader(bytes: Uint8Array): Reader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const next = (size: number): number => {
    at += size;
    return at - size;
  };
  return {
    uint32s: (count) => new Uint32Array(count).map(() => view.getUint32(next(4), true)),
    int16s: (count) => new Int16Array(count).map(() => view.getInt16(next(2), true)),
    float64s: (count) => new Float64Array(count).map(() => view.getFloat64(next(8), true)),
  };
}

export function writer(length: number): Writer {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  const next = (size: number): number => {
    at += size;
    return at - size;
  };
  return {
    bytes,
    uint32s(values) {
      for (const value of values) view.setUint32(next(4), value, true);
    },
    int16s(values) {
      for (const value of values) view.setInt16(next(2), value, true);
    },
    float64s(values) {
      for (const value of values) view.setFloat64(next(8), value, true);
    },
  };
}
