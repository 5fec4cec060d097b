// cutter orchestrate report: the run told from its journal and outputs, checked against the recorded digests; as text, as JSON, or as one
// page for people.
import { buildCommand } from "@stricli/core";
import { loadConfig } from "../config/load.ts";
import { CutterError } from "../core/errors.ts";
import { renderHtml } from "../core/page/html.ts";
import { renderText } from "../core/page/text.ts";
import type { OwnersProof } from "../core/report/backup.ts";
import type { RunAccount } from "../core/report/account.ts";
import { toRunPage, type CurrentHostState } from "../core/report/report.ts";
import { parseRunId } from "../core/run-id.ts";
import { readAccount } from "../engine/records/read-account.ts";
import { readRun, toRunSummary, type RecordedRun } from "../engine/records/read-run.ts";
import { readKillSwitch } from "../kill-switch.ts";
import { phases } from "../phases/index.ts";
import { readAcceptedRestoreProofs } from "../trust/restore-proofs.ts";
import type { SwitchState } from "../ports/run-ports.ts";
import type { CutterContext, Services } from "./context.ts";
import { commonFlags, print, parseString, writePage, type CommonFlags } from "./flags.ts";

interface Flags extends CommonFlags {
  readonly "run-id": string;
  readonly html?: string;
}

export const orchestrateReportCommand = buildCommand<Flags, [], CutterContext>({
  docs: { brief: "Print the report of a run, or write it as one HTML page" },
  parameters: {
    flags: {
      ...commonFlags,
      "run-id": { kind: "parsed", parse: parseString, brief: "Which run", placeholder: "R" },
      html: {
        kind: "parsed",
        parse: parseString,
        brief: "Write the report as one self-contained page; - is stdout",
        optional: true,
        placeholder: "FILE",
      },
    },
  },
  func: async function (this: CutterContext, flags) {
    if (flags.json && flags.html !== undefined) throw new CutterError("USAGE_INVALID", { problem: "one of --json and --html" });
    const { services } = this;
    const runId = parseRunId(flags["run-id"], { allowDryRunSuffix: true });
    const config = await loadConfig(services.files, services.paths.config);
    const run = await readRun(services.files, config.value.sidecar_root, runId);
    const account = await readAccount(services.files, run, phases);
    const now = await readCurrentHostState(services, run, account);
    const page = toRunPage(account, now);
    if (flags.html !== undefined) {
      await writePage(this, flags.html, renderHtml(page), `[OK] report of ${runId}`);
      return;
    }
    print(
      this,
      flags,
      {
        schema: "cutter.orchestrate-report/1",
        ...toRunSummary(
          run,
          phases.map((phase) => phase.name),
        ),
        ...toJson(account, now),
      },
      [renderText(page).trimEnd()],
    );
  },
});

async function readCurrentHostState(services: Services, run: RecordedRun, account: RunAccount): Promise<CurrentHostState> {
  const at = services.clock.now().toISOString();
  const state = await readKillSwitch(services.files, services.paths, services.clock.now()).catch((error: unknown) => {
    if (error instanceof CutterError) return null;
    throw error;
  });
  return {
    at,
    revert: run.revert,
    restoreProofs: await readOwnersProofs(services, account),
    killSwitch: state === null ? "it cannot be read from here; run this as root" : toWords(state),
  };
}

async function readOwnersProofs({ files, paths, clock }: Services, { backup, inputs }: RunAccount): Promise<readonly OwnersProof[] | null> {
  const host = inputs?.host_identity ?? null;
  if (backup === null || host === null) return null;
  const recipient = backup.recipientFingerprint;
  const found = await readAcceptedRestoreProofs(files, paths, { host, recipient }, clock.now());
  return (
    found?.map(({ proof, signer }) => ({
      runId: proof.run_id,
      recipient: proof.recipient,
      backupSha256: proof.backup_sha256,
      performedAt: proof.performed_at,
      signer,
    })) ?? null
  );
}

function toWords(state: SwitchState): string {
  switch (state.state) {
    case "off":
      return "off";
    case "disabled":
      return "off, and disabled by the latch";
    case "armed":
      return `armed for run ${state.runId}${state.until === null ? "" : ` until ${state.until}`}`;
    case "live":
      return `LIVE for run ${state.runId}${state.since === null ? "" : ` since ${state.since}`}`;
  }
}

function toJson(account: RunAccount, { revert, restoreProofs }: CurrentHostState): object {
  const { source, plan, approvals, effects, escalations, decisions, tables, backup, phases: done, notCovered } = account;
  const { certificateReasons, whyHarmless } = account;
  return {
    source,
    payload_sha: plan?.payloadSha ?? null,
    units: plan?.units ?? [],
    approvals: approvals.map(({ at, entry }) => ({ verified_at: at, ...entry })),
    why_harmless: whyHarmless,
    tables_after_revert: (revert?.tables ?? []).map(({ table, rowsOfRun, restRows, rest }) => ({
      table,
      rows_of_run: rowsOfRun,
      rest_rows: restRows,
      rest,
    })),
    restore_proofs:
      restoreProofs?.map(({ runId, recipient, backupSha256, performedAt, signer }) => ({
        run_id: runId,
        recipient,
        backup_sha256: backupSha256,
        performed_at: performedAt,
        signer,
      })) ?? null,
    effects,
    escalations: escalations.map(({ at, entry }) => ({ at, ...entry })),
    decisions: decisions.map(({ at, entry }) => ({ at, ...entry })),
    tables,
    backup,
    certificate_reasons: certificateReasons,
    not_covered: notCovered,
    phases: done,
  };
}
