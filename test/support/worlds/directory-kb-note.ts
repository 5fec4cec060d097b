// The hidden note beside a document of the directory knowledge base: what a plain file cannot say.
import { join } from "node:path";
import { z } from "zod";

const noteSchema = z.strictObject({
  schema: z.literal("cutter.kb-note/1"),
  revision: z.int().min(1),
  title: z.string(),
  tags: z.array(z.string()),
  sha256: z.string().regex(/^[0-9a-f]{64}$/), // of the body this revision had
});

export type Note = z.infer<typeof noteSchema>;

/** `a/b.md` → `a/.b.md.kb.json`; no id begins a segment with a dot, so no document is ever in its place. */
export function toNotePath(root: string, id: string): string {
  const start = id.lastIndexOf("/") + 1;
  return join(root, id.slice(0, start), `.${id.slice(start)}.kb.json`);
}

export function toNoteText(note: Note): string {
  return `${JSON.stringify(note, null, 2)}\n`;
}

/** The folder is not as the fake keeps it. No refusal of the kit: only tests read such a folder. */
export class DirectoryInvalid extends Error {
  readonly code = "KB_DIRECTORY_INVALID";

  constructor(facts: Readonly<Record<string, string>>, options: ErrorOptions = {}) {
    super(`KB_DIRECTORY_INVALID ${JSON.stringify(facts)}`, options);
  }
}

/** @throws DirectoryInvalid for anything but a note */
export function parseNote(text: string, path: string): Note {
  const parsed = noteSchema.safeParse(parseJson(text));
  if (!parsed.success) throw new DirectoryInvalid({ path, expected: "a note", found: "something else" });
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
