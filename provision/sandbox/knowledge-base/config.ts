// The server's configuration: one JSON file. Secrets are files, so that neither argv nor environment carries one.
import { readFileSync } from "node:fs";
import { z } from "zod";

const configSchema = z.strictObject({
  listen: z.strictObject({ address: z.string().min(1), port: z.int().min(0).max(65535) }),
  tls: z.strictObject({ certFile: z.string().min(1), keyFile: z.string().min(1) }).nullable(),
  prefix: z
    .string()
    .regex(/^(\/[a-z0-9-]+)?$/)
    .describe(
      "Path the reverse proxy puts before everything, /api in production; empty: no proxy, so no extra key check and no size limit page",
    ),
  database: z.strictObject({
    host: z.string().min(1),
    port: z.int().min(1).max(65535),
    name: z.string().min(1),
    user: z.string().min(1),
    passwordFile: z.string().min(1),
  }),
  apiKeyFile: z.string().min(1).nullable().describe("null: a server without a key, which answers 403"),
  faultsFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Tests write what should go wrong into this file; it is read anew for each request. No fault can be asked for over the network.",
    ),
});

export type KnowledgeBaseServerConfig = z.infer<typeof configSchema>;

/** Reads and checks the file. Throws an error that names the bad key; nothing else is opened. */
export function readServerConfig(path: string): KnowledgeBaseServerConfig {
  const result = configSchema.safeParse(JSON.parse(readFileSync(path, "utf8")));
  if (!result.success) throw new Error(`${path}: ${z.prettifyError(result.error)}`);
  return result.data;
}

/** First line of a secret's file, without its newline. */
export function readSecretFile(path: string): string {
  return readFileSync(path, "utf8").replace(/\r?\n[\s\S]*$/, "");
}
