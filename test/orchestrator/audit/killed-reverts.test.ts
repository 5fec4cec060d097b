// The audit of a revert that was killed on its way: what it left is no forgery, neither while it lies there nor after another start.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openJournalFile } from "../../../orchestrator/adapters/journal/journal-file.ts";
import { nodeFiles } from "../../../orchestrator/adapters/node-files/node-files.ts";
import { auditRun, type Audit } from "../../../orchestrator/audit/audit-run.ts";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { readBundle, readFolder, type RunBundle } from "../../../orchestrator/evidence/bundle.ts";
import { phases } from "../../../orchestrator/phases/index.ts";
import { makeEvidencedWorld, type EvidencedWorld } from "../../support/live-run-files.ts";
import { revertLiveRun } from "../../support/reverted-run.ts";

const context = { phases, releaseSha256: "0".repeat(64) };
const found = ({ findings }: Audit): readonly string[] => findings.map(({ what, file }) => `${what ?? ""} ${file ?? ""}`);

describe("a revert whose first start was killed", () => {
  let other: EvidencedWorld;
  beforeEach(async () => {
    other = await makeEvidencedWorld();
    await other.start();
  }, 60_000);
  afterEach(() => other.live.remove());
  const look = (material: RunBundle) => auditRun(material, { sovereign: other.live.sovereign.file, architect: null }, context);
  const readRevertBundle = async () => readBundle((await nodeFiles.read(`${other.folder}/revert/audit-bundle.tar`)) ?? new Uint8Array());
  const kindsOf = ({ files }: RunBundle): readonly string[] =>
    Buffer.from(files.get("revert/journal.jsonl") ?? [])
      .toString()
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { readonly kind: string }).kind);

  test("passes when another approval, two days later, is the one that was used", async () => {
    await expect(revertLiveRun(other, { ports: { openJournal: killedBefore("backup_made") } })).rejects.toThrow("killed");
    other.live.world.clock.advance(49 * 3_600_000);
    const change = { review_decision_id: "66666666-0000-4000-8000-000000000006" };
    expect(await revertLiveRun(other, { change })).toMatchObject({ code: null });
    const material = await readRevertBundle();
    expect(kindsOf(material).filter((kind) => kind.startsWith("attempt_"))).toEqual([
      "attempt_started",
      "attempt_started",
      "attempt_ended",
    ]);
    expect(found(await look(material))).toEqual([]);
  }, 60_000);

  test.each(["reverted", "verified", "receipt", "attempt_ended"])(
    "passes, killed before %s, and once another start went on",
    async (kind) => {
      await expect(revertLiveRun(other, { ports: { openJournal: killedBefore(kind) } })).rejects.toThrow("killed");
      expect(found(await look(await readFolder(nodeFiles, other.folder)))).toEqual([]);
      other.live.world.clock.advance(3_600_000);
      const change = { review_decision_id: "66666666-0000-4000-8000-000000000006" };
      expect(await revertLiveRun(other, { change })).toMatchObject({ result: "already_reverted", code: null });
      const passed = await look(await readRevertBundle());
      expect(passed).toMatchObject({ findings: [], notes: [], revert: { state: "reverted", transactionId: "950" } });
    },
    60_000,
  );

  test("passes in its folder when the start behind a stopped one was killed: the list is of the earlier start", async () => {
    const make = (): never => {
      throw new CutterError("BACKUP_UNPROVEN", { pg_dump_exit: 1 });
    };
    expect(await revertLiveRun(other, { ports: { backups: { make } } })).toMatchObject({ result: "stopped" });
    other.live.world.clock.advance(3_600_000);
    const change = { review_decision_id: "66666666-0000-4000-8000-000000000006" };
    await expect(revertLiveRun(other, { change, ports: { openJournal: killedBefore("transaction") } })).rejects.toThrow("killed");
    const passed = await look(await readFolder(nodeFiles, other.folder));
    expect(passed).toMatchObject({ findings: [], revert: { state: "begun" } });
  }, 60_000);
});

/** The process ends before it appends such a record: nothing is appended after it either. */
function killedBefore(kind: string): typeof openJournalFile {
  return (path) => {
    const inner = openJournalFile(path);
    let killed = false;
    return {
      ...inner,
      append: async (line) => {
        killed ||= line.includes(`"kind":"${kind}"`);
        if (killed) throw new Error("killed");
        await inner.append(line);
      },
    };
  };
}
