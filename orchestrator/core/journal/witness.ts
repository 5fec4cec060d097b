// What a phase's document in the knowledge base says of the journal it was written by: the witness of a tail that is gone. Pure.
import { z } from "zod";
import { tryParseJson } from "../encoding/try-parse-json.ts";

const witnessSchema = z.looseObject({
  run_id: z.string(),
  document_id: z.string(),
  mode: z.string(),
  phase: z.string(),
  number: z.int(),
  output_sha256: z.string(),
  journal: z.strictObject({ seq: z.int().min(0), head: z.string() }),
});

export type Witness = z.infer<typeof witnessSchema>;

/** The last fenced block of the document; null when it carries no record. */
export function readWitness(text: string): Witness | null {
  const parsed = witnessSchema.safeParse(readRecordBlock(text));
  return parsed.success ? parsed.data : null;
}

/** The JSON under the last heading "Record" of a document, whatever it says; undefined where there is none. */
export function readRecordBlock(text: string): unknown {
  const start = text.lastIndexOf("\n## Record\n");
  const json = /^`{3,}json\n([^]*?)\n`{3,}$/m.exec(text.slice(Math.max(0, start)))?.[1];
  return start < 0 || json === undefined ? undefined : tryParseJson(json);
}
