// A valid token.json for tests, with what a test wants different.
import type { ArmToken } from "../../orchestrator/core/arming/token.ts";
import { sha256Hex } from "../../orchestrator/core/encoding/digest.ts";

export const seconds = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;

export function toToken(now: Date, change: Partial<ArmToken> = {}): ArmToken {
  const key = (name: string) => ({ fingerprint: "A".repeat(40), sha256: sha256Hex(name) });
  return {
    schema: "cutter.token/1",
    run_id: "R-1",
    document_id: "knowledge/other/a.md",
    payload_sha: sha256Hex("plan"),
    request_sha256: sha256Hex("request"),
    release_sha256: sha256Hex("release"),
    host: sha256Hex("host"),
    issued_at: seconds(now),
    expires_at: seconds(new Date(now.getTime() + 3_600_000)),
    start: 1,
    starts: 2,
    ruling_sha256: sha256Hex("ruling"),
    accepts: [],
    human_signers: 1,
    keys: { sovereign: key("sovereign"), architect: null, backup: key("backup") },
    decision: null,
    ...change,
  };
}
