// The registry of codes: every stop of the kit, in one place. runbooks/errors.md is generated from it.
import { approvalCodes } from "./approval.ts";
import { armingCodes } from "./arming.ts";
import { auditCodes } from "./audit.ts";
import { configCodes } from "./config.ts";
import { databaseCodes } from "./database.ts";
import { hostCodes } from "./host.ts";
import { keyCodes } from "./key.ts";
import { knowledgeBaseCodes } from "./knowledge-base.ts";
import { liveCodes } from "./live.ts";
import { phaseCodes } from "./phases.ts";
import { planCodes } from "./plan.ts";
import { provisionCodes } from "./provision.ts";
import { revertCodes } from "./revert.ts";
import { runCodes } from "./run.ts";
import { sandboxCodes } from "./sandbox.ts";

/** The registry by subject, in the order of the page. */
export const codesBySubject = {
  "The set-up by pulumi up: connection, stack, release": provisionCodes,
  "The host, its files and its helpers": hostCodes,
  Configuration: configCodes,
  "Public keys, encryption and programs": keyCodes,
  "Runs: request, folder, journal, locks": runCodes,
  "The document and its plan": planCodes,
  "What a phase finds": phaseCodes,
  "The database": databaseCodes,
  "The knowledge base": knowledgeBaseCodes,
  Approvals: approvalCodes,
  "Enabling a live run, and the ledger": armingCodes,
  "A live run": liveCodes,
  "A revert": revertCodes,
  "An audit": auditCodes,
  "The sandbox": sandboxCodes,
} as const;

export const codes = {
  ...runCodes,
  ...revertCodes,
  ...liveCodes,
  ...phaseCodes,
  ...planCodes,
  ...databaseCodes,
  ...knowledgeBaseCodes,
  ...keyCodes,
  ...approvalCodes,
  ...armingCodes,
  ...auditCodes,
  ...configCodes,
  ...hostCodes,
  ...provisionCodes,
  ...sandboxCodes,
} as const;

export type Code = keyof typeof codes;

/** Records and files name codes as text, and an older release may have written one that this registry does not hold. Pure. */
export function isCode(name: string): name is Code {
  return Object.hasOwn(codes, name);
}

/** What a recorded code said of production (decision 27). A missing or unknown one counts as a bug. Pure. */
export function toExitCode(name: string | null): number {
  return codes[name !== null && isCode(name) ? name : "INTERNAL_BUG"].exit;
}
