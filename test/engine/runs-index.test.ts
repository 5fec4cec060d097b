// The runs index: one line a run, newest first, others untouched.
import { expect, it } from "vitest";
import { toIndexBody, type IndexLine } from "../../orchestrator/gates/runs-index.ts";

const line = (runId: string): IndexLine => ({ runId, documentId: "knowledge/a.md", mode: "dryrun", result: "done", certificate: "pass", payloadSha: null, finishedAt: "2026-11-22T10:00:00.000Z", folderId: `knowledge/runs/${runId}` });

it("puts a new run first, keeps the others byte for byte, and writes a run only once", () => {
  const one = toIndexBody(null, line("run-1"));
  const two = toIndexBody(one, line("run-10"));
  const rows = two.split("\n").filter((row) => row.startsWith("| run-"));
  expect(rows.map((row) => row.split(" ")[1])).toEqual(["run-10", "run-1"]);
  expect(one).toContain(rows[1] ?? "nothing");
  expect(toIndexBody(two, line("run-10"))).toBe(two);
});
