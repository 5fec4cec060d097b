// One thing an audit found wrong: a code, the file, and where it has one the record.
import type { auditCodes } from "../core/codes/audit.ts";
import { CutterError, type Facts } from "../core/errors.ts";

export type AuditCode = keyof typeof auditCodes;

export interface Finding {
  readonly code: AuditCode;
  readonly file: string | null;
  readonly record: number | null; // sequence in the journal
  readonly problem: string;
  readonly facts: Facts;
}

export interface FindingPlace {
  readonly file?: string;
  readonly record?: number;
  readonly facts?: Facts;
}

export function finding(code: AuditCode, problem: string, { file, record, facts }: FindingPlace = {}): Finding {
  return { code, file: file ?? null, record: record ?? null, problem, facts: facts ?? {} };
}

/** What a check of the kit threw, as a finding: its own code stays a fact. Anything else is a bug and is thrown on. */
export function toFinding(code: AuditCode, error: unknown, place: FindingPlace): Finding {
  if (!(error instanceof CutterError)) throw error;
  return finding(code, error.code, { ...place, facts: { ...error.facts, ...place.facts } });
}
