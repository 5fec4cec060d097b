// One file that somebody named, read as what it is: a regular file within its bound. A pipe or a device would never end, a link leads
// elsewhere.
import { CutterError } from "../core/errors.ts";
import type { Files } from "../ports/files.ts";

/** @throws APPROVAL_UNREADABLE */
export async function readPlainFile(files: Pick<Files, "read" | "facts">, file: string, bytesMax: number): Promise<Uint8Array> {
  const refuse = (problem: string, cause?: unknown): CutterError =>
    new CutterError("APPROVAL_UNREADABLE", { file: file.slice(0, 300), problem }, { cause });
  const facts = await files.facts(file).catch((cause: unknown) => {
    throw refuse("cannot be looked at", cause);
  });
  if (facts === null) throw refuse("absent");
  if (facts.kind !== "file") throw refuse(`a ${facts.kind}, not a plain file`);
  if (facts.size > bytesMax) throw refuse(`larger than ${String(bytesMax)} bytes`);
  const bytes = await files.read(file).catch((cause: unknown) => {
    throw refuse("cannot be read", cause);
  });
  if (bytes === null) throw refuse("absent");
  return bytes;
}
