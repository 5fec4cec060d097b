// Which archives pg_dump gave out here, piece by piece: pg_restore gets those and nothing else. Who may open the socket may not make the
// database run what he wrote.
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { writing } from "../../core/host/disk-error.ts";
import { hostLayout } from "../../core/host/layout.ts";
import { CutterError } from "../../core/errors.ts";
import { toHostPath, type Host } from "../files/host.ts";
import { forbiddenBits, readSafeFile } from "../files/safe-file.ts";

const pieceBytes = 1024 * 1024;
const recordsMax = 8; // a proof follows its dump at once
const recordBytesMax = 16 * 1024 * 1024; // some 200 GiB of archive
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const emittedSchema = z.strictObject({ sha256, bytes: z.int().min(0), pieces: z.array(sha256) });

/** Pieces of one size, whatever chunks the bytes come in. */
class PieceSplitter {
  #pending: Buffer[] = [];
  #bytes = 0;

  *take(chunk: Buffer): Generator<Buffer> {
    let rest = chunk;
    while (this.#bytes + rest.length >= pieceBytes) {
      const cut = pieceBytes - this.#bytes;
      const piece = Buffer.concat([...this.#pending, rest.subarray(0, cut)]);
      this.#pending = [];
      this.#bytes = 0;
      rest = rest.subarray(cut);
      yield piece;
    }
    this.#pending.push(Buffer.from(rest));
    this.#bytes += rest.length;
  }

  *rest(): Generator<Buffer> {
    if (this.#bytes > 0) yield Buffer.concat(this.#pending);
  }
}

/** A whole archive that pg_dump ended with exit code 0: its digest, and that of every piece. */
export type EmittedDump = z.infer<typeof emittedSchema>;

/** Takes the dump's bytes as they pass; the record is whole when the dump is. */
export class DumpRecorder {
  readonly #whole = createHash("sha256");
  readonly #cutter = new PieceSplitter();
  readonly #pieces: string[] = [];
  #bytes = 0;

  take(chunk: Buffer): void {
    this.#whole.update(chunk);
    this.#bytes += chunk.length;
    for (const piece of this.#cutter.take(chunk)) this.#pieces.push(toSha256(piece));
  }

  finish(): EmittedDump {
    for (const piece of this.#cutter.rest()) this.#pieces.push(toSha256(piece));
    return { sha256: this.#whole.digest("hex"), bytes: this.#bytes, pieces: this.#pieces };
  }
}

/** Passes on only what stands in the record, in its order; nothing of a piece before all of it was judged. @throws DUMP_REQUEST_REFUSED */
export async function* onlyEmitted(source: AsyncIterable<Buffer>, dump: EmittedDump): AsyncGenerator<Buffer> {
  const splitter = new PieceSplitter();
  let number = 0;
  const requireEmitted = (piece: Buffer): Buffer => {
    if (toSha256(piece) !== dump.pieces[number])
      throw new CutterError("DUMP_REQUEST_REFUSED", {
        problem: "not the archive that pg_dump gave out",
        sha256: dump.sha256,
        piece: number,
      });
    number += 1;
    return piece;
  };
  for await (const chunk of source) for (const piece of splitter.take(chunk)) yield requireEmitted(piece);
  for (const piece of splitter.rest()) yield requireEmitted(piece);
  if (number !== dump.pieces.length)
    throw new CutterError("DUMP_REQUEST_REFUSED", {
      problem: "the archive ends too early",
      sha256: dump.sha256,
      pieces: number,
      expected: dump.pieces.length,
    });
}

/** On tmpfs, root's alone; the newest few are kept. */
export function recordEmittedDump(host: Host, dump: EmittedDump): void {
  const folder = toHostPath(host, hostLayout.emittedDumps);
  const partial = `${folder}/.${dump.sha256}`;
  writing(`${hostLayout.emittedDumps}/${dump.sha256}`, () => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(partial, JSON.stringify(dump), { mode: 0o600 });
    renameSync(partial, `${folder}/${dump.sha256}`);
  });
  const records = readdirSync(folder)
    .filter((name) => sha256.safeParse(name).success)
    .map((name) => ({ name, at: statSync(`${folder}/${name}`).mtimeMs }))
    .sort((a, b) => b.at - a.at);
  for (const { name } of records.slice(recordsMax)) rmSync(`${folder}/${name}`, { force: true });
}

/** @throws DUMP_REQUEST_REFUSED when no dump of this boot had that digest */
export function readEmittedDump(host: Host, digest: string): EmittedDump {
  try {
    const content = readSafeFile(host, `${hostLayout.emittedDumps}/${sha256.parse(digest)}`, {
      forbidden: forbiddenBits.secret,
      maxBytes: recordBytesMax,
    });
    return emittedSchema.parse(JSON.parse(content.toString("utf8")));
  } catch (error) {
    if (error instanceof CutterError && error.code === "HOST_FILE_MISSING")
      throw new CutterError("DUMP_REQUEST_REFUSED", { problem: "pg_dump gave out no such archive", sha256: digest });
    throw error;
  }
}

function toSha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
