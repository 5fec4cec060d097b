// The server as two things to copy to the sandbox host: main.mjs and sql/.
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Writes `main.mjs` and `sql/` into `directory` (made if absent). May be repeated; equal sources give equal bytes. */
export async function bundleKnowledgeBase(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  await build({
    entryPoints: [fileURLToPath(new URL("./main.ts", import.meta.url))],
    outfile: join(directory, "main.mjs"),
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    external: ["pg-native"],
    // pg is CommonJS and asks for Node's own modules by require.
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    logLevel: "warning",
  });
  cpSync(fileURLToPath(new URL("./sql", import.meta.url)), join(directory, "sql"), { recursive: true });
}
