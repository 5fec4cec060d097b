// The logins and the knowledge base as a host really reaches them: each tried once by a connection of its own, and what came of it. What
// `cutter connections --json` prints, for the survey.
import { z } from "zod";
import { tryParseJson } from "../encoding/try-parse-json.ts";

const triedSchema = z.strictObject({
  name: z.string(), // of the login, or knowledge_base
  kind: z.enum(["login", "knowledge_base"]),
  problem: z.string().nullable(), // code and facts, no value of a secret; null: it answered
});
export type TriedConnection = z.infer<typeof triedSchema>;

const outputSchema = z.looseObject({ schema: z.literal("cutter.connections/1"), tried: z.array(triedSchema) });

/** Null where nothing that can be read was said: then nothing was tried. Pure. */
export function parseConnections(text: string): readonly TriedConnection[] | null {
  const parsed = outputSchema.safeParse(tryParseJson(text));
  return parsed.success ? parsed.data.tried : null;
}
