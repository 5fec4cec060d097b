// One thing an audit found wrong: a code, the file, and where it has one the record.
import type { auditCodes } from "../core/codes/audit.ts";
import { CutterError, type Facts } from "../core/errors.ts";

export type AuditCode = keyof typeof auditCodes;

export interface AuditFinding {
  readonly code: AuditCode;
  readonly file: string | null;
  readonly record: number | null; // sequence in the journal
  readonly problem: string;
  readonly facts: Facts;
}

export interface FindingLocation {
  readonly file?: string;
  readonly record?: number;
  readonly facts?: Facts;
}

export function auditFinding(code: AuditCode, problem: string, { file, record, facts }: FindingLocation = {}): AuditFinding {
  return { code, file: file ?? null, record: record ?? null, problem, facts: facts ?? {} };
}

/** What a check of the kit threw, as a finding: its own code stays a fact. Anything else is a bug and is thrown on. */
export function toAuditFinding(code: AuditCode, error: unknown, location: FindingLocation): AuditFinding {
  if (!(error instanceof CutterError)) throw error;
  return auditFinding(code, error.code, { ...location, facts: { ...error.facts, ...location.facts } });
}
