// A stream that lets bytes through and knows afterwards how many they were, their sha256 and how they begin.
import { createHash } from "node:crypto";
import { Transform, type TransformCallback } from "node:stream";

const headBytes = 16 * 1024; // the packets that name the recipients stand first

export class ByteMeter extends Transform {
  readonly #hash = createHash("sha256");
  #head: Buffer = Buffer.alloc(0);
  bytes = 0;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#hash.update(chunk);
    if (this.#head.length < headBytes) this.#head = Buffer.concat([this.#head, chunk]).subarray(0, headBytes);
    this.bytes += chunk.length;
    done(null, chunk);
  }

  /** Once, when the stream has ended. */
  sha256(): string {
    return this.#hash.digest("hex");
  }

  get head(): Buffer {
    return this.#head;
  }
}
