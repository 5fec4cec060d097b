// Looks at the host around one run: unit, kill switch, request, the result of the last start, its dry run. Changes nothing; what cannot be
// read is unknown or absent, never a refusal.
import { parseStrictYaml } from "../../core/encoding/strict-yaml.ts";
import { tryParseJson } from "../../core/encoding/try-parse-json.ts";
import { requestSchema } from "../../core/run/request.ts";
import { runResultSchema } from "../../core/run/result.ts";
import { dryRunSuffix, toDryRunId, type RunId } from "../../core/run-id.ts";
import { checksumListName } from "../../evidence/checksum-list.ts";
import type { Files } from "../../ports/files.ts";
import type { SwitchState } from "../../ports/run-ports.ts";
import { readRun, type RecordedRun } from "../records/read-run.ts";
import { toLastStop } from "./explain.ts";
import type { HostView } from "./host-view.ts";

export interface HostLook {
  readonly files: Files;
  readonly sidecarRoot: string;
  readonly requests: string; // folders
  readonly results: string;
  readonly readUnit: (runId: RunId) => Promise<HostView["unit"]>;
  readonly readKillSwitch: () => Promise<SwitchState>;
}

export async function readHostView(look: HostLook, runId: RunId, { status }: Pick<RecordedRun, "status">): Promise<HostView> {
  const view = {
    unit: await look.readUnit(runId),
    execution: await readExecution(look),
    request: await readRequest(look, runId),
    result: await readResult(look, runId),
    recordsStand: await hasRecords(look, runId),
    dryRun: runId.endsWith(dryRunSuffix) ? ("none" as const) : await readDryRun(look, toDryRunId(runId)),
    claimant: null,
  };
  const last = toLastStop(status, view);
  const other = last.code === "DOCUMENT_CLAIMED_BY_RUN" ? last.facts["run_id"] : undefined;
  return typeof other === "string" ? { ...view, claimant: await readClaimant(look, other) } : view;
}

async function readExecution({ readKillSwitch }: HostLook): Promise<HostView["execution"]> {
  const found = await readKillSwitch().catch(() => null);
  if (found === null) return { state: "unknown" };
  if (found.state === "off" || found.state === "disabled") return { state: found.state };
  return { state: found.state, runId: found.runId, until: found.state === "armed" ? found.until : null };
}

async function readRequest({ files, requests }: HostLook, runId: string): Promise<HostView["request"]> {
  const file = `${requests}/${runId}.yaml`;
  const text = await readText(files, file);
  if (text === null) return null;
  try {
    const { mode, document_id: documentId } = parseStrictYaml(text, requestSchema, { code: "REQUEST_INVALID", file });
    return { mode, documentId };
  } catch {
    return null; // its next start says what is wrong with it
  }
}

async function readResult({ files, results }: HostLook, runId: string): Promise<HostView["result"]> {
  const text = await readText(files, `${results}/${runId}.json`);
  const parsed = runResultSchema.safeParse(text === null ? null : tryParseJson(text));
  return parsed.success ? parsed.data : null;
}

async function readDryRun(look: HostLook, runId: RunId): Promise<HostView["dryRun"]> {
  const run = await readRecorded(look, runId);
  if (run === null) return "none";
  if (run === "damaged") return "not pass";
  const { finished, voided } = run.status;
  if (voided !== null) return "given up";
  if (finished === null || !(await hasRecords(look, runId))) return "unfinished";
  return finished.certificate === "pass" ? "pass" : "not pass";
}

async function readClaimant(look: HostLook, runId: string): Promise<HostView["claimant"]> {
  const run = await readRecorded(look, runId);
  if (run === null) return "not of this host";
  if (run === "damaged") return "unfinished";
  const { status, revert } = run;
  return status.finished !== null || status.voided !== null || revert?.state === "reverted" ? "ended" : "unfinished";
}

async function readRecorded({ files, sidecarRoot }: HostLook, runId: string): Promise<RecordedRun | "damaged" | null> {
  try {
    if ((await files.facts(`${sidecarRoot}/${runId}`)) === null) return null;
    return await readRun(files, sidecarRoot, runId);
  } catch {
    return "damaged";
  }
}

async function hasRecords({ files, sidecarRoot }: HostLook, runId: string): Promise<boolean> {
  return (await files.facts(`${sidecarRoot}/${runId}/${checksumListName}`).catch(() => null)) !== null;
}

async function readText(files: Files, path: string): Promise<string | null> {
  const bytes = await files.read(path).catch(() => null);
  return bytes === null ? null : new TextDecoder().decode(bytes);
}
