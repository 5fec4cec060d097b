// The files an ended live run leaves, made by hand from the journal's and the approvals' own rules: signed by stock gpg, every digest true. Audits are tried on it.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { chainStart, toLine, toLineHash } from "../../orchestrator/core/journal-chain.ts";
import { parseRecord, type JournalEntry, type JournalRecord } from "../../orchestrator/core/journal-record.ts";
import { toStatus } from "../../orchestrator/core/journal.ts";
import { renderText } from "../../orchestrator/core/page-text.ts";
import { toPhaseStem } from "../../orchestrator/core/phase-document-id.ts";
import { toAccount } from "../../orchestrator/core/run-account.ts";
import { toRunPage } from "../../orchestrator/core/run-report.ts";
import { effectSteps, type EffectStep } from "../../orchestrator/core/effect.ts";
import { toPhaseDocument } from "../../orchestrator/engine/phase-document.ts";
import { phases } from "../../orchestrator/phases/index.ts";
import type { KeyPin } from "../../orchestrator/core/public-key.ts";
import { ruling, sg1, sg2, sign, toDocument, toTime } from "../core/approval/material.ts";
import { documentId, makeWorld } from "./fakes/world.ts";
import { createGpgHome } from "./gpg.ts";

export const liveRunId = "run-1";
const host = "a".repeat(64);
const release = "b".repeat(64);
const sha256 = (content: Uint8Array | string): string => createHash("sha256").update(content).digest("hex");

export interface LiveRunFiles {
  readonly files: ReadonlyMap<string, Buffer>; // without EVIDENCE.sha256
  readonly key: { readonly bytes: Uint8Array; readonly pin: KeyPin };
  readonly otherKey: { readonly bytes: Uint8Array; readonly pin: KeyPin };
  /** Signs as the sovereign, or as somebody else. */
  sign(document: Uint8Array, as?: "sovereign" | "other"): Buffer;
  remove(): void;
}

const uuids = { RULING: "00000000-0000-4000-8000-000000000001", SG_1: "00000000-0000-4000-8000-000000000002", SG_2: "00000000-0000-4000-8000-000000000003" };
const stepsOfPhase: Readonly<Record<string, readonly EffectStep[]>> = { cut_leg_a: ["SG_1", "cut_leg_a"], leg_b_record: ["leg_b_record"], write_verify: ["write_verify"], lifecycle_enact: ["SG_2", "lifecycle_enact"] };

export async function makeLiveRunFiles(): Promise<LiveRunFiles> {
  const outputs = await rehearse();
  const home = createGpgHome();
  const fingerprint = home.createKey("Sovereign <s@example.org>");
  const otherFingerprint = home.createKey("Other <o@example.org>");
  const toKey = (of: string) => {
    const bytes = home.run(["--armor", "--export", of]);
    return { bytes, pin: { fingerprint: of, fileSha256: null } };
  };
  const files = new Map<string, Buffer>();
  const runbook = Buffer.from("-- the way back\n");
  files.set("rollback_runbook.sql", runbook);
  files.set("keys/sovereign.asc", Buffer.from(toKey(fingerprint).bytes));
  const payloadSha = (outputs.get("cutplan") as { payloadSha: string }).payloadSha;
  const sourceSha256 = (outputs.get("source_pin") as { sha256: string }).sha256;
  const grantMatrixSha256 = (outputs.get("grant_probe") as { expectedSha256: string }).expectedSha256;
  const request = stringify({ schema: "cutter.request/1", run_id: liveRunId, document_id: documentId, mode: "live", approvals: { SG_1: "knowledge/x/sg-1.md", SG_2: "knowledge/x/sg-2.md" } });
  files.set("request.yaml", Buffer.from(request));

  const common = { run_id: liveRunId, document_id: documentId, payload_sha: payloadSha, host, release_sha256: release, issued_at: toTime(new Date(Date.now() - 2000)) };
  const approve = (gate: keyof typeof uuids, fields: object): Extract<JournalEntry, { kind: "approval_verified" }> => {
    const document = toDocument({ ...fields, review_decision_id: uuids[gate] });
    const signature = sign(home, document, { key: fingerprint });
    const name = `approvals/${gate.toLowerCase().replace("_", "-")}-${sha256(document).slice(0, 12)}.md`;
    files.set(name, document).set(`${name}.sovereign.asc`, signature);
    return { kind: "approval_verified", gate, kb_id: `knowledge/x/${gate.toLowerCase()}.md`, document_sha256: sha256(document), review_decision_id: uuids[gate], payload_sha: payloadSha, issued_at: common.issued_at, signatures: [{ role: "sovereign", fingerprint, signature_sha256: sha256(signature) }], human_signers: 1 };
  };
  const decided = {
    RULING: approve("RULING", ruling({ ...common, document_sha256: sourceSha256, rollback_runbook_sha256: sha256(runbook), grant_matrix_sha256: grantMatrixSha256 })),
    SG_1: approve("SG_1", sg1(common)),
    SG_2: approve("SG_2", sg2(common)),
  };

  const lines: string[] = [];
  const begunMs = Date.now();
  const append = (entry: JournalEntry): { seq: number; head: string } => {
    const last = lines.at(-1);
    const line = toLine(entry, { seq: lines.length, at: new Date(begunMs + lines.length).toISOString(), prev: last === undefined ? chainStart : toLineHash(last) });
    lines.push(line);
    return { seq: lines.length - 1, head: toLineHash(line) };
  };
  append({ kind: "run_started", run_id: liveRunId, document_id: documentId, mode: "live", inputs: { request_sha256: sha256(request), config_sha256: "c".repeat(64), release_sha256: release, host_identity: host } });
  append({ kind: "attempt_started", attempt: 1, pid: 1, boot_id: "d".repeat(32) });
  append(decided.RULING);
  append(decided.SG_1);
  append({ kind: "census_before", system_identifier: "7", counters: null, tables: [{ table: "public.information_unit", rowCount: 1, sha256: "e".repeat(64), modifications: "0" }] });
  for (const [index, phase] of phases.entries()) {
    const number = index + 1;
    append({ kind: "phase_started", phase: phase.name, number });
    if (phase.name === "lifecycle_enact") append(decided.SG_2);
    if (phase.name === "pre_write_backup") {
      append({ kind: "effect_intended", step: "pre_write_backup", effect_sha256: null });
      append({ kind: "effect_done", step: "pre_write_backup", effect_sha256: null, found: "committed" });
    }
    for (const step of stepsOfPhase[phase.name] ?? []) {
      append({ kind: "effect_intended", step, effect_sha256: sha256(step) });
      append({ kind: "transaction", step, id: String(700 + effectSteps.indexOf(step)) });
      append({ kind: "effect_done", step, effect_sha256: sha256(step), found: "committed" });
    }
    const result = phase.toResult(outputs.get(phase.name));
    const output = `${JSON.stringify(result.output, null, 1)}\n`;
    files.set(`outputs/${toPhaseStem(number, phase.name)}.json`, Buffer.from(output));
    for (const file of result.files) files.set(file.name, Buffer.from(file.content));
    const witness = append({ kind: "phase_done", phase: phase.name, number, output_sha256: sha256(output), would_refuse: [], duration_ms: 12 });
    const done = toStatus(toRecords(lines)).done[index];
    if (done === undefined) throw new Error(`${phase.name} is not done`);
    const facts = { runId: liveRunId, documentId, mode: "live" as const, releaseSha256: release, hostIdentity: host, releaseVersion: "0.6.0", approvals: {}, config: rehearsedConfig };
    const document = toPhaseDocument({ run: facts, done, text: result.text, decision: null, live: { decided: null, effects: [] }, witness });
    files.set(`documents/${toPhaseStem(number, phase.name)}.md`, Buffer.from(document.body));
    append({ kind: "receipt", phase: phase.name, document_id: document.id, revision: 1, sha256: sha256(document.body) });
  }
  append({ kind: "index_written", document_id: "knowledge/x/index.md", revision: 1, sha256: "f".repeat(64) });
  append({ kind: "run_finished", result: "done", certificate: null, exit_code: 0 });
  append({ kind: "attempt_ended", attempt: 1, why: "finished", code: null, facts: {}, connections: [] });

  files.set("journal.jsonl", Buffer.from(lines.map((line) => `${line}\n`).join("")));
  files.set("outcome.json", Buffer.from(JSON.stringify({ schema: "cutter.orchestrate-run/1", run_id: liveRunId, document_id: documentId, mode: "live", result: "done", exit_code: 0, certificate: null, payload_sha: payloadSha, phases_done: phases.length })));
  files.set("report.txt", Buffer.from(toReport(files)));
  return { files, key: toKey(fingerprint), otherKey: toKey(otherFingerprint), sign: (document, as = "sovereign") => sign(home, document, { key: as === "sovereign" ? fingerprint : otherFingerprint }), remove: () => home.remove() };
}

/** The lines of a journal, parsed. */
export function toRecords(lines: readonly string[]): readonly JournalRecord[] {
  return lines.map((line) => {
    const record = parseRecord(JSON.parse(line));
    if (record === null) throw new Error(`no record: ${line}`);
    return record;
  });
}

/** The report these files lead to. */
export function toReport(files: ReadonlyMap<string, Buffer>): string {
  const records = toRecords((files.get("journal.jsonl") ?? "").toString().split("\n").slice(0, -1));
  const status = toStatus(records);
  const outputs = new Map(status.done.map((done) => [done.phase, JSON.parse((files.get(`outputs/${toPhaseStem(done.number, done.phase)}.json`) ?? "").toString()) as unknown]));
  const texts = phases.map((phase) => ({ phase: phase.name, text: phase.toResult(outputs.get(phase.name)).text }));
  return renderText(toRunPage(toAccount({ runId: liveRunId, records, status, outputs, texts }), null));
}

let rehearsedConfig: Awaited<ReturnType<typeof makeWorld>>["config"];

/** Outputs of every phase, from a dry run of the fakes. */
async function rehearse(): Promise<ReadonlyMap<string, unknown>> {
  const world = await makeWorld();
  try {
    await world.start();
    rehearsedConfig = world.config;
    const outputs = new Map<string, unknown>();
    for (const [index, phase] of phases.entries()) outputs.set(phase.name, JSON.parse(await readFile(join(world.runFolder, `outputs/${toPhaseStem(index + 1, phase.name)}.json`), "utf8")));
    return outputs;
  } finally {
    await world.remove();
  }
}
