// The journal of a live run R-1 whose only start ended in a stop, as a host folder keeps it.
import { mkdirSync, writeFileSync } from "node:fs";
import { chainStart, toLine, toLineHash } from "../../orchestrator/core/journal/chain.ts";
import type { JournalEntry } from "../../orchestrator/core/journal/record.ts";
import type { HostFolder } from "./host-folder.ts";

/** Without more: for want of room that no disk has. */
export function leaveStop(
  folder: HostFolder,
  code = "DISK_FULL",
  facts: Readonly<Record<string, string | number>> = { reason: "too_little_left", needed_bytes: 2 ** 55 },
): void {
  const sha = "a".repeat(64);
  const inputs = { request_sha256: sha, config_sha256: sha, release_sha256: null, host_identity: null };
  const entries: readonly JournalEntry[] = [
    { kind: "run_started", run_id: "R-1", document_id: "knowledge/a.md", mode: "live", inputs },
    { kind: "attempt_started", attempt: 1, pid: 1, boot_id: "b" },
    { kind: "attempt_ended", attempt: 1, why: "stopped", code, facts, connections: [] },
  ];
  let prev = chainStart;
  const lines = entries.map((entry, seq) => {
    const line = toLine(entry, { seq, at: "2026-11-22T10:00:00.000Z", prev });
    prev = toLineHash(line);
    return `${line}\n`;
  });
  mkdirSync(folder.at("var/lib/cutter/runs/R-1"), { recursive: true, mode: 0o700 });
  writeFileSync(folder.at("var/lib/cutter/runs/R-1/journal.jsonl"), lines.join(""));
}
