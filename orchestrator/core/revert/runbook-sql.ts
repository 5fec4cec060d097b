// The rollback runbook for one run: the run's id bound in, nothing else changed, so that people can compare it with the pinned file and a
// gate can apply it as it is.
import { CutterError } from "../errors.ts";
import type { RunId } from "../run-id.ts";
import { sha256Hex } from "../encoding/digest.ts";
import { toSqlGateViolations } from "../database/sql-gate.ts";

export interface RenderedRevert {
  readonly text: string; // UTF-8, ends in a newline; the runbook's own bytes stand at its end, unchanged
  readonly sha256: string;
  readonly runbookSha256: string;
}

const lockTimeout = "30s";

/**
 * One self-contained file: settings of its own transaction, then the runbook. A run id holds letters, digits and `._-` only (RunId), so it
 * needs no escape; where it holds a word the owner's gate looks for, it is written in hex. Pure. @throws REVERT_RUNBOOK_UNFIT when the text
 * would not pass the gate
 */
export function toRevertSql(runbook: string, runId: RunId): RenderedRevert {
  const runbookSha256 = sha256Hex(runbook);
  const literal =
    toSqlGateViolations(runId).length === 0 ? `'${runId}'` : `convert_from(decode('${Buffer.from(runId).toString("hex")}', 'hex'), 'UTF8')`;
  const text = [
    "-- Emergency revert of one run, rendered by cutter revert --render. Apply this file alone, in one transaction, as the " +
      "revert principal.",
    `-- The runbook inside has sha256 ${runbookSha256}`,
    "-- Role: the revert principal. Locks: those of the runbook below.",
    "-- A policy that would hide rows of the run is an error (42501), and no table lies in front of another.",
    "select set_config('row_security', 'off', true), set_config('search_path', 'pg_catalog, pg_temp', true) as names;",
    `select set_config('lock_timeout', '${lockTimeout}', true), set_config('cutter.run_id', ${literal}, true) as run_id;`,
    "",
    runbook,
  ].join("\n");
  const [violation] = toSqlGateViolations(text);
  if (violation !== undefined)
    throw new CutterError("REVERT_RUNBOOK_UNFIT", {
      runbook_sha256: runbookSha256,
      line: violation.line,
      rule: violation.rule,
      found: violation.found,
    });
  return { text, sha256: sha256Hex(text), runbookSha256 };
}
