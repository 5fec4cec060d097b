// Bytes in, lines out, with a bound: a line that never ends must not grow for ever.

const lineBytesMax = 64 * 1024;

/** Calls `onLine` per complete line of UTF-8; a longer line than 64 KiB arrives in pieces, the last line also without its newline. */
export class LineSplitter {
  #pending = "";
  readonly #decoder = new TextDecoder();
  readonly #onLine: (line: string) => void;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  write(chunk: Buffer): void {
    const parts = (this.#pending + this.#decoder.decode(chunk, { stream: true })).split("\n");
    this.#pending = parts.pop() ?? "";
    for (const part of parts) this.#onLine(part);
    if (this.#pending.length > lineBytesMax) this.end();
  }

  end(): void {
    if (this.#pending !== "") this.#onLine(this.#pending);
    this.#pending = "";
  }
}
