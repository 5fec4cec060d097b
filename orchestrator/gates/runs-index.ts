// The index of all runs in the knowledge base: one line a run, newest first. Lines of other runs stay byte for byte.

export interface IndexLine {
  readonly runId: string;
  readonly documentId: string;
  readonly mode: "dryrun" | "live";
  readonly result: string;
  readonly certificate: string;
  readonly payloadSha: string | null;
  readonly finishedAt: string; // ISO 8601 UTC
  readonly folderId: string; // KB folder of the phase documents
}

const heading = ["# Runs of the cutter", "", "| run | mode | document | result | certificate | payload_sha | finished | phase documents |", "|---|---|---|---|---|---|---|---|"];

/** The index with this run's line in it, once. `current` is the body as stored, null when there is no index yet. Pure. */
export function toIndexBody(current: string | null, line: IndexLine): string {
  const rows = (current ?? "").split("\n").filter((row) => row.startsWith("| ") && !row.startsWith("| run |"));
  const others = rows.filter((row) => !row.startsWith(`| ${line.runId} |`));
  return [...heading, toRow(line), ...others, ""].join("\n");
}

function toRow(line: IndexLine): string {
  const cells = [line.runId, line.mode, line.documentId, line.result, line.certificate, line.payloadSha ?? "none", line.finishedAt, `${line.folderId}/`];
  return `| ${cells.join(" | ")} |`;
}
