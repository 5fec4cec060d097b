// A live cut on the booted host, step by step as the operator and the signers make it, and what it left: for tests of cuts that go
// through and of cuts that do not.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { kbFaultsFile } from "../../provision/sandbox/host/host-files.ts";
import { fillAndSign } from "./approvals.ts";
import { checkout, npm, onHost, run, sql, until, type Ended } from "./e2e.ts";

/** Every run and document of a test file has names of its own. */
export const stamp = new Date()
  .toISOString()
  .replace(/[-:]|\.\d+/g, "")
  .toLowerCase();
export const idOf = (name: string): string => `${name}-${stamp}`;
const documentOf = (name: string): string => `knowledge/other/${idOf(name)}.md`;
export const body = (name: string): string =>
  `# ${name} ${stamp}\n\nĐiều 1.\r\n\n## Part one\n\nText.\n\n### Deeper\n\nMore.\n\n## Part two\n\nThe end`;
export const units = 4;

export async function addDocument(name: string, text = body(name)): Promise<void> {
  const file = join(checkout, ".sandbox", `${idOf(name)}.md`);
  writeFileSync(file, text);
  expect((await npm("sandbox", "document", "add", file, "--id", documentOf(name))).code).toBe(0);
  rmSync(file);
}

const prepare = (runId: string, documentId: string): Promise<Ended> =>
  run(["runbooks/prepare", "--stack", "sandbox", "--run-id", runId, "--document", documentId]);
export const start = (runId: string): Promise<Ended> => run(["runbooks/start-run", "--stack", "sandbox", "--run-id", runId]);
export const enable = (runId: string, ruling: string, ...approvals: readonly string[]): Promise<Ended> =>
  run([
    "runbooks/enable",
    "--stack",
    "sandbox",
    "--run-id",
    runId,
    "--ruling",
    ruling,
    ...approvals.flatMap((file) => ["--approval", file]),
  ]);
/** @throws when it did not end with 0 */
export const must = (ended: Ended): Ended => {
  expect([ended.code, ended.output]).toEqual([0, expect.any(String)]);
  return ended;
};
export const result = async (runId: string): Promise<object> =>
  JSON.parse((await onHost(`cat /run/cutter/results/${runId}.json`)).stdout) as object;
interface JournalLine {
  readonly kind: string;
  readonly step?: string;
  readonly phase?: string;
}
export const journal = async (runId: string): Promise<readonly JournalLine[]> =>
  (await onHost(`cat /var/lib/cutter/runs/${runId}/journal.jsonl`)).stdout
    .split("\n")
    .flatMap((line) => (line.endsWith("}") ? [JSON.parse(line) as JournalLine] : []));
export const switchState = async (): Promise<string> => (await onHost("cutter kill-switch status")).stdout.trim();

/** Away with what tests of a live cut may leave in the way of the next ones. */
export const clearLiveTraces = () =>
  onHost(`rm -rf ${kbFaultsFile} /etc/cutter/execution/DISABLED; rm -rf /run/cutter/armed/* /run/cutter/live/*`);

/** What a run has left, asked by production's own path and not by the orchestrator. */
export const effects = async (runId: string): Promise<string> =>
  await sql(`select (select count(*) from public.information_unit where created_by_run = '${runId}') || ' units, ' ||
    (select count(*) from public.unit_version where run_id = '${runId}') || ' versions, ' ||
    (select count(*) from public.iu_lifecycle_log where run_id = '${runId}') || ' lifecycle, ' ||
    (select count(*) from cutter_governance.review_decision where run_id = '${runId}') || ' decisions, ' ||
    (select count(*) from cutter_governance.cut_change_set where run_id = '${runId}') || ' change sets, ' ||
    (select count(*) from cutter_governance.verify_result where run_id = '${runId}') || ' verified'`);
const each = ["units", "versions", "lifecycle"].map((table) => `${String(units)} ${table}`).join(", ");
export const whole = `${each}, 2 decisions, 1 change sets, 1 verified`;
export const nothing = "0 units, 0 versions, 0 lifecycle, 0 decisions, 0 change sets, 0 verified";

/** Prepared and signed, not yet enabled. */
export async function prepared(
  name: string,
  documentName = name,
): Promise<{ readonly runId: string; readonly ruling: string; readonly sg1: string; readonly sg2: string }> {
  const runId = idOf(name);
  must(await prepare(runId, documentOf(documentName)));
  return {
    runId,
    ruling: await fillAndSign(runId, "RULING", { starts: 5 }),
    sg1: await fillAndSign(runId, "SG_1"),
    sg2: await fillAndSign(runId, "SG_2"),
  };
}

/**
 * Starts a run, holds it in the gate behind `phase` (its document cannot be read back), does `then` to it, and waits for its end. `begin`
 * starts it in another way, and is not waited for.
 */
export async function startUntil(
  runId: string,
  number: string,
  phase: string,
  then: () => Promise<unknown>,
  begin: () => unknown = () => onHost(`systemctl start --no-block cutter-run@${runId}`),
): Promise<void> {
  await onHost(
    `cat > ${kbFaultsFile}; chmod 0644 ${kbFaultsFile}`,
    JSON.stringify({ status: 503, method: "GET", pathContains: `${number}-${phase.replaceAll("_", "-")}` }),
  );
  await begin();
  await until(async () => {
    const last = (await journal(runId)).at(-1);
    return last?.kind === "phase_done" && last.phase === phase ? true : null;
  });
  await then();
  await until(async () =>
    /^(inactive|failed)\ninactive$/.test((await onHost(`systemctl is-active cutter-run@${runId} cutter-prepare@${runId}`)).stdout.trim())
      ? true
      : null,
  );
  await onHost(`rm -f ${kbFaultsFile}`);
}
