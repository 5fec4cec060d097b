// emergency-revert: takes back what run R wrote, by a signed REVERT. Verified here and on the host, carried out by its unit, proven by
// another question.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { z } from "zod";
import { verifyApproval, type VerifiedApproval } from "../orchestrator/core/approval/verify.ts";
import { databaseContractSchema, toScopeTables } from "../orchestrator/core/database/contract.ts";
import { hiddenTablesFile, parseHiddenRows, toHiddenRowsScript } from "../orchestrator/core/database/hidden-rows-session.ts";
import { toPinScript } from "../orchestrator/core/database/session-settings.ts";
import { databaseSurveyFiles, psqlOptions } from "../orchestrator/core/database/survey-session.ts";
import { CutterError } from "../orchestrator/core/errors.ts";
import { hostLayout } from "../orchestrator/core/host/layout.ts";
import { stagedFiles, stagedRevertSchema } from "../orchestrator/core/revert/staging.ts";
import { dryRunSuffix, parseRunId, type RunId } from "../orchestrator/core/run-id.ts";
import { findCheckout } from "../provision/checkout.ts";
import type { RemoteHost } from "../provision/host/connection.ts";
import type { StackConfig } from "../provision/stack/config.ts";
import { readPinnedFile } from "../provision/stack/pinned-file.ts";
import { startUnitAndWait, startableUnits } from "./start-unit.ts";
import { runScript, toRequired } from "./script.ts";
import { readStack, stackOptions, withHost } from "./stack.ts";
import { printNextStep } from "./watch-run.ts";
import { toExpectedGate } from "../orchestrator/core/approval/binding.ts";

const usage = `runbooks/emergency-revert --run-id R --approval FILE [--stack S] [--host H]
  Retires every unit that run R created, in one transaction, after a fresh and proven backup. Works while execution is disabled.
  A run that is reverted already says so, and nothing changes. runbooks/emergency-revert.md is the page for a bad night.
  --approval FILE  the signed REVERT (runbooks/draft --run-id R --gate REVERT); FILE.asc (or FILE.sovereign.asc) lies beside it
--stack S is Pulumi.S.yaml here; without it the only one there is. --host H: one of the stack's hosts, where it has several.
Exit: 0 reverted · 2 usage · 10 refused, nothing written · 11 the knowledge base is away, nothing written, run it again · 20 reverted, its document is still to be stored: run it again · 30 a person must decide · 78 configuration`;

const stepTimeoutMs = 60_000;
const revertCapMinutes = 60; // its unit's TimeoutStartSec
const revertTimeoutMs = (revertCapMinutes + 10) * 60_000;

await runScript(usage, async () => {
  const { values } = parseArgs({ options: { ...stackOptions, "run-id": { type: "string" }, approval: { type: "string" } } });
  const runId = parseLiveRunId(toRequired(values["run-id"], "--run-id"));
  const file = toRequired(values.approval, "--approval");
  const config = readStack(values.stack);
  const signed = { approval: readSigned(file), signature: readSigned(existsSync(`${file}.asc`) ? `${file}.asc` : `${file}.sovereign.asc`) };
  const verified = await verifyHere(config, runId, signed);
  return await withHost(config, values.host, async (host) => {
    for (const line of toIntent(host, config, runId, verified)) console.log(line);
    await requireAllSeen(host, config);
    const refused = await stage(host, runId, signed);
    if (refused !== null) return refused;
    const result = await startUnitAndWait(host, runId, {
      unit: startableUnits.revert,
      deadlineMs: revertTimeoutMs,
      capMinutes: revertCapMinutes,
      again: null, // it stages the approval anew
      print: console.log,
    });
    if (result.exit_code !== 0) {
      console.log(
        `${result.exit_code === 20 || result.exit_code === 11 ? "[WARN]" : "[ERR] "} revert ${runId}: ` +
          `exit=${String(result.exit_code)} code=${result.code ?? "none"}; runbooks/emergency-revert.md says what that means`,
      );
      await printNextStep(host, config, runId);
      return result.exit_code;
    }
    await prove(host, config, runId);
    console.log(`[OK]   revert ${runId}: ${result.result ?? "done"}; in the audit log of ${host.address.name}`);
    return 0;
  });
});

interface Signed {
  readonly approval: Buffer;
  readonly signature: Buffer;
}

/** @throws REVERT_NOTHING_CREATED, RUN_ID_INVALID */
function parseLiveRunId(text: string): RunId {
  if (text.toLowerCase().endsWith(dryRunSuffix))
    throw new CutterError("REVERT_NOTHING_CREATED", { reason: "dry_run", run_id: text.slice(0, 80) });
  return parseRunId(text, { allowDryRunSuffix: false });
}

function readSigned(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new CutterError(
      "APPROVAL_UNREADABLE",
      { file, problem: cause instanceof Error && "code" in cause ? String(cause.code) : "cannot be read" },
      { cause },
    );
  }
}

/** With the stack's own pin, before anything touches the host; the host judges it again with its pins. @throws APPROVAL_*, KEY_* */
async function verifyHere(config: StackConfig, runId: RunId, { approval, signature }: Signed): Promise<VerifiedApproval> {
  const key = config.keys.sovereign;
  if (key === undefined)
    throw new CutterError("APPROVAL_KEY_NOT_PINNED", { file: "cutter-kit:keys.sovereign", problem: "the stack pins no sovereign key" });
  const keys = {
    sovereign: {
      bytes: Buffer.from(readPinnedFile("cutter-kit:keys.sovereign", key)),
      pin: { fingerprint: key.fingerprint, fileSha256: key.sha256 },
    },
    architect: null,
  };
  return verifyApproval({
    document: approval,
    signatures: [signature],
    keys,
    expected: { ...toExpectedGate("REVERT"), runId },
    now: new Date(),
  });
}

function toIntent(host: RemoteHost, config: StackConfig, runId: RunId, { approval, signers }: VerifiedApproval): readonly string[] {
  return [
    `[INFO] host ${host.address.name} of stack ${config.stack}: revert run ${runId}, document ${approval.document_id}`,
    `[INFO] approved by the sovereign ${signers[0]?.fingerprint ?? "unknown"} at ${approval.issued_at}`,
    "[INFO] steps: stage and spend the approval · fresh backup, proven · one transaction that retires the run's units · " +
      "another login looks · document with receipt · proof by psql",
  ];
}

/**
 * Onto tmpfs where root alone looks, then root judges and spends. Null when staged; else the exit code of the refusal, whose text was
 * printed.
 */
async function stage(host: RemoteHost, runId: RunId, { approval, signature }: Signed): Promise<number | null> {
  const folder = `${hostLayout.incoming}/${runId}`;
  const steps: readonly (readonly [script: string, args: readonly string[], stdin?: Buffer])[] = [
    ['umask 077; rm -rf -- "$1"; mkdir -m 0700 -- "$1"', [folder]],
    ['umask 077; cat > "$1"', [`${folder}/${stagedFiles.approval}`], approval],
    ['umask 077; cat > "$1"', [`${folder}/${stagedFiles.signature}`], signature],
    [`exec ${hostLayout.current}/bin/cutter-root arm-revert "$1"`, [runId]],
  ];
  let said = "";
  for (const [script, args, stdin] of steps) {
    const { code, stdout, stderr } = await host.run(script, args, { timeoutMs: stepTimeoutMs, ...(stdin === undefined ? {} : { stdin }) });
    if (code === null)
      throw new CutterError("REVERT_OUTCOME_UNKNOWN", { run_id: runId, host: host.address.name, step: "stage the approval" });
    if (stderr.trim() !== "") console.error(stderr.trimEnd());
    if (code !== 0) return code;
    said = stdout;
  }
  const staged = stagedRevertSchema.parse(JSON.parse(said));
  console.log(
    staged.spent_before
      ? "[WARN] this approval was used before: it can only confirm a revert that is done"
      : `[OK]   staged and spent: approval sha256 ${staged.approval_sha256}`,
  );
  return null;
}

/**
 * Before the approval is spent: logins that do not see every row would find "nothing created". A psql that does not answer is no refusal:
 * the unit's own logins refuse to read what is hidden from them. @throws DATABASE_ROWS_HIDDEN, SERVER_IS_STANDBY
 */
async function requireAllSeen(host: RemoteHost, config: StackConfig): Promise<void> {
  const sql = join(findCheckout(), "sql");
  const contract = databaseContractSchema.parse(JSON.parse(readFileSync(join(sql, databaseSurveyFiles.contract), "utf8")));
  const roles = ["context_pack_readonly", ...(config.orchestrator.revert_principal === null ? [] : [config.orchestrator.revert_principal])];
  const script = toHiddenRowsScript(readFileSync(join(sql, hiddenTablesFile), "utf8"), roles, toScopeTables(contract));
  const { code, stdout } = await host.run('exec "$@"', [...config.psql, ...psqlOptions], {
    timeoutMs: stepTimeoutMs,
    stdin: Buffer.from(script),
  });
  const answer = code === 0 ? parseHiddenRows(stdout) : null;
  if (answer === null) {
    console.log(`[WARN] psql did not say whether the logins see every row (exit code ${String(code ?? "none")}); the unit asks again`);
    return;
  }
  if (answer.in_recovery) throw new CutterError("SERVER_IS_STANDBY", { step: "before the approval is spent" });
  // what is absent and not needed for the backup does not keep a revert from its end
  const hidden = answer.hidden.filter(({ why, table }) => why !== "absent" || contract.backupTables.includes(table));
  const [first] = hidden;
  if (first !== undefined)
    throw new CutterError("DATABASE_ROWS_HIDDEN", { ...first, found: hidden.length, step: "before the approval is spent" });
}

/** Not by the kit's own logins: by psql, the stack's way, read-only. @throws REVERT_NOT_VERIFIED */
async function prove(host: RemoteHost, config: StackConfig, runId: RunId): Promise<void> {
  // a run id holds letters, digits and ._- only
  const question =
    `${toPinScript()}select count(*) || ' ' || count(*) filter (where lifecycle_state <> 'retired') ` +
    `from public.information_unit where created_by_run = '${runId}';\n`;
  const { code, stdout } = await host.run('exec "$@"', [...config.psql, ...psqlOptions], {
    timeoutMs: stepTimeoutMs,
    stdin: Buffer.from(question),
  });
  const counts = z.tuple([z.coerce.number().min(1), z.literal("0")]).safeParse(stdout.trim().split(" "));
  if (code !== 0 || !counts.success)
    throw new CutterError("REVERT_NOT_VERIFIED", { run_id: runId, asked: "psql", exit_code: code, said: stdout.trim().slice(0, 100) });
  console.log(`[OK]   psql says: ${String(counts.data[0])} units of this run, none of them stands`);
}
