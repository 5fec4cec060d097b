// Codes of the toolchain: the Pulumi engine.
import type { CodeEntry } from "./entry.ts";

export const toolchainCodes = {
  PULUMI_ENGINE_MISSING: {
    summary: "the Pulumi engine is not in the cache",
    remedy: "npm run doctor, which copies your own pulumi of the right version, else builds it by Go, or names what it misses",
    exit: 10,
  },
} as const satisfies Record<string, CodeEntry>;
