// THE LIST: the 11 phases of a run, in order. Read this file first.
import { sourcePin } from "./01-source-pin.ts";
import { mark } from "./02-mark.ts";
import { cutplan } from "./03-cutplan.ts";
import { preWriteBackup } from "./04-pre-write-backup.ts";
import { grantProbe } from "./05-grant-probe.ts";
import { cutLegA } from "./06-cut-leg-a.ts";
import { structuralVerify } from "./07-structural-verify.ts";
import { legBRecord } from "./08-leg-b-record.ts";
import { writeVerify } from "./09-write-verify.ts";
import { lifecycleEnact } from "./10-lifecycle-enact.ts";
import { closeout } from "./11-closeout.ts";
import type { Phase } from "./define.ts";

export const phases = [
  sourcePin, // what the run is about: document, registry rows, server, release, contract
  mark, // the headings
  cutplan, // the units, their addresses, payload_sha
  preWriteBackup, // narrow pg_dump, encrypted
  grantProbe, // who may do what, in effect
  cutLegA, // SG_1, then fn_iu_create per unit
  structuralVerify, // bytes, tree, counts, addresses equal the plan
  legBRecord, // governance records
  writeVerify, // the verifier's record
  lifecycleEnact, // SG_2, then fn_iu_enact per unit
  closeout, // certificate, report, index
] as const satisfies readonly Phase[];
