// Codes of the toolchain: the Pulumi engine, its plugin, and the Node.js they run on.
import type { CodeEntry } from "./entry.ts";

export const toolchainCodes = {
  PULUMI_ENGINE_MISSING: {
    summary: "the Pulumi engine is not in the cache",
    remedy: "npm run doctor, which copies your own pulumi of the right version, else builds it by Go, or names what it misses",
    exit: 10,
  },
  NODE_TOO_OLD: {
    summary: "this command runs on the Node.js of node_modules, not on the machine's",
    remedy: "call it by npm run, or put node_modules/.bin first on PATH",
    exit: 10,
  },
} as const satisfies Record<string, CodeEntry>;
