// Read bodies of numbers: four bytes with the length of a JSON head, the head, arrays that begin at multiples of 8.

export interface Place {
  dtype: "u1" | "u4" | "f4" | "f8";
  offset: number;
  length: number;
}

const TYPES = { u1: Uint8Array, u4: Uint32Array, f4: Float32Array, f8: Float64Array } as const;
type Arrays = { u1: Uint8Array; u4: Uint32Array; f4: Float32Array; f8: Float64Array };

export class Body<Head> {
  readonly head: Head;
  readonly #start: number;

  constructor(readonly buffer: ArrayBuffer) {
    const length = new DataView(buffer).getUint32(0, true);
    this.head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))) as Head;
    this.#start = Math.ceil((4 + length) / 8) * 8;
  }

  /** The array at a place, without a copy. */
  array<T extends keyof Arrays>(place: Place & { dtype: T }): Arrays[T] {
    return new TYPES[place.dtype](this.buffer, this.#start + place.offset, place.length) as Arrays[T];
  }

  u1(place: Place): Uint8Array {
    return this.array({ ...place, dtype: "u1" });
  }

  u4(place: Place): Uint32Array {
    return this.array({ ...place, dtype: "u4" });
  }

  f4(place: Place): Float32Array {
    return this.array({ ...place, dtype: "f4" });
  }
}
