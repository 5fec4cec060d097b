// The dry run on the booted host: all 11 phases under systemd on a real document, judged from outside the orchestrator.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { phaseNames } from "../../orchestrator/core/phase-names.ts";
import { kbFaultsFile } from "../../provision/sandbox/host/host-files.ts";
import { npm, onHost, readCensus, run, sql, until } from "../support/e2e.ts";
import { ensureReady } from "../support/ready-host.ts";

const documentId = "knowledge/other/commonmark-spec-0-31-2.md";
const { text } = createRequire(import.meta.url)("commonmark-spec") as { readonly text: string };
const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
let directory: string;

beforeAll(async () => {
  await ensureReady();
  directory = mkdtempSync(join(tmpdir(), "cutter-e2e-"));
  const file = join(directory, "spec.md");
  writeFileSync(file, text);
  expect((await npm("sandbox", "document", "add", file, "--id", documentId)).output).toContain("[OK]");
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));
afterEach(async () => {
  await onHost(`rm -f ${kbFaultsFile}`);
});

const prepare = (runId: string) => run(["node", "runbooks/prepare.ts", "--stack", "sandbox", "--run-id", runId, "--document", documentId]);
const readJson = async (path: string) => JSON.parse((await onHost(`cat ${path}`)).stdout) as Record<string, unknown>;
const readJournal = async (runId: string) =>
  (await onHost(`cat /var/lib/cutter/runs/${runId}/journal.jsonl`)).stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const writeRequest = (runId: string, mode: string) =>
  onHost(
    `umask 027; cat > /etc/cutter/requests/${runId}.yaml; chgrp cutter /etc/cutter/requests/${runId}.yaml`,
    `schema: cutter.request/1\nrun_id: ${runId}\ndocument_id: ${documentId}\nmode: ${mode}\napprovals: {}\n`,
  );

describe("a dry run of a real document", () => {
  const runId = `e2e-${stamp}`;
  const dryRunId = `${runId}.dryrun`;

  it("goes through all 11 phases, changes no row anywhere, and says so with a passing certificate", async () => {
    expect(text.split("\n").length).toBeGreaterThan(2000);
    const before = await readCensus();
    const { code, output } = await prepare(runId);
    expect(output).toContain("certificate");
    expect(code).toBe(0);
    expect(await readCensus()).toEqual(before);
    expect(await readJson(`/run/cutter/results/${dryRunId}.json`)).toMatchObject({
      run_id: dryRunId,
      exit_code: 0,
      code: null,
      certificate: "pass",
    });
    const payloadSha = (await readJson(`/run/cutter/results/${dryRunId}.json`))["payload_sha"];
    expect(output).toContain(payloadSha);
  });

  it("leaves each phase's document in the knowledge base, as its receipt in the journal says", async () => {
    const receipts = (await readJournal(dryRunId)).filter(({ kind }) => kind === "receipt");
    expect(receipts.map(({ phase }) => phase)).toEqual([...phaseNames]);
    for (const { document_id: id, revision, sha256 } of receipts) {
      const [storedRevision, body] = (
        await sql(
          `select (data ->> 'revision') || '|' || encode(convert_to(data -> 'content' ->> 'body', 'UTF8'), 'hex')
            from public.kb_document where data ->> 'document_id' = '${String(id)}'`,
          "agent_data",
        )
      ).split("|");
      expect([
        Number(storedRevision),
        createHash("sha256")
          .update(Buffer.from(body ?? "", "hex"))
          .digest("hex"),
      ]).toEqual([revision, sha256]);
    }
  });

  it("keeps its journal chained, its folder closed to others and no credential behind", async () => {
    const lines = (await onHost(`cat /var/lib/cutter/runs/${dryRunId}/journal.jsonl`)).stdout.trimEnd().split("\n");
    for (const [index, line] of lines.slice(1).entries()) {
      expect((JSON.parse(line) as { readonly prev: string }).prev).toBe(
        createHash("sha256")
          .update(lines[index] ?? "")
          .digest("hex"),
      );
    }
    expect(
      (
        await onHost(
          `stat -c '%a %U' /var/lib/cutter/runs/${dryRunId}; ls -A /run/cutter/cred /run/cutter/live /run/cutter/armed /run/cutter-run`,
        )
      ).stdout,
    ).toBe("700 cutter\n/run/cutter-run:\n\n/run/cutter/armed:\n\n/run/cutter/cred:\n\n/run/cutter/live:\n");
  });

  it("is a no-op when started again", async () => {
    const before = await readJournal(dryRunId);
    expect((await onHost(`systemctl start cutter-run@${dryRunId}`)).code).toBe(0);
    expect(await readJson(`/run/cutter/results/${dryRunId}.json`)).toMatchObject({ exit_code: 0, certificate: "pass" });
    expect(await readJournal(dryRunId)).toEqual(before);
  });
});

describe("a dry run that is disturbed", () => {
  it("does not certify a pass when somebody else inserts and deletes a row meanwhile", async () => {
    const runId = `foreign-${stamp}`;
    await writeRequest(`${runId}.dryrun`, "dryrun");
    await onHost(`cat > ${kbFaultsFile}`, JSON.stringify({ status: 503, method: "POST" }));
    await onHost(`systemctl start --no-block cutter-run@${runId}.dryrun`);
    await until(async () =>
      (await onHost(`grep -c phase_done /var/lib/cutter/runs/${runId}.dryrun/journal.jsonl`)).stdout.trim() === "1" ? true : null,
    );
    await sql(
      "insert into public.dot_config (key, value) values ('foreign', 'writer'); delete from public.dot_config where key = 'foreign';",
    );
    await onHost(`rm -f ${kbFaultsFile}`);
    const ended = await until(async () =>
      (await onHost(`systemctl is-active cutter-run@${runId}.dryrun`)).stdout.trim() === "inactive" ? true : null,
    );
    expect(ended).toBe(true);
    expect(await readJson(`/run/cutter/results/${runId}.dryrun.json`)).toMatchObject({ exit_code: 0, certificate: "inconclusive" });
  });
});

describe("a dry run without its knowledge base", () => {
  it("ends with exit code 11 and loses nothing: the next start goes on and passes", async () => {
    const runId = `outage-${stamp}`;
    await onHost(`cat > ${kbFaultsFile}`, JSON.stringify({ status: 503 }));
    const waiting = await prepare(runId);
    expect([waiting.code, waiting.output]).toEqual([11, expect.stringContaining("KB_UNAVAILABLE")]);
    expect((await onHost(`systemctl is-failed cutter-run@${runId}.dryrun`)).stdout.trim()).toBe("inactive"); // 11 is no failure to systemd
    await onHost(`rm -f ${kbFaultsFile}`);
    const resumed = await run(["node", "runbooks/start-run.ts", "--stack", "sandbox", "--run-id", `${runId}.dryrun`]);
    expect(resumed.code).toBe(0);
    expect(await readJson(`/run/cutter/results/${runId}.dryrun.json`)).toMatchObject({ exit_code: 0, certificate: "pass" });
    expect((await readJournal(`${runId}.dryrun`)).filter(({ kind }) => kind === "attempt_started")).toHaveLength(2);
  });
});

describe("a live run", () => {
  it("is refused by the kill switch before any phase, any journal record and any connection to the database", async () => {
    const runId = `live-${stamp}`;
    await writeRequest(runId, "live");
    const sessions = async () =>
      Number(
        await sql("select pg_stat_clear_snapshot(); select sessions from pg_stat_database where datname = 'directus'").then((rows) =>
          rows.split("\n").at(-1),
        ),
      );
    const before = await sessions();
    await onHost(`systemctl start cutter-run@${runId}`);
    expect(await readJson(`/run/cutter/results/${runId}.json`)).toMatchObject({ exit_code: 10, code: "ProductionExecutionNotAuthorized" });
    expect(await sessions()).toBe(before + 1); // our own look before
    expect((await onHost(`cat /var/lib/cutter/runs/${runId}/journal.jsonl`)).stdout).toBe("");
  });

  it("is refused from a shell with exit code 10, and --force is no option", async () => {
    const shell = await onHost(`cutter orchestrate run --run-id shell-${stamp} --document ${documentId} --mode live`);
    expect(shell.code).toBe(10);
    expect(shell.stderr).toContain("ProductionExecutionNotAuthorized");
    expect((await onHost(`cutter orchestrate run --run-id shell-${stamp} --document ${documentId} --mode live --force`)).code).toBe(2);
  });

  it("is impossible for ids that are none: the root helper refuses before it builds a path", async () => {
    for (const id of ["..", "a__b-c", "x", "-rf"]) {
      expect((await onHost(`systemctl start 'cutter-run@${id}'`)).code).not.toBe(0);
      expect((await onHost(`/opt/cutter/current/bin/cutter-root prepare-run -- '${id}'`)).code).not.toBe(0);
    }
    expect((await onHost("ls -A /run/cutter/cred")).stdout).toBe("");
  });
});
