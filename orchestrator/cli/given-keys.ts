// The keys a reader gives on the command line: each a file and the fingerprint the reader trusts, for a file alone proves nobody.
import type { Keys } from "../core/approval/verify.ts";
import { CutterError } from "../core/errors.ts";
import type { Files } from "../ports/files.ts";
import { readGivenKey } from "./approval-inputs.ts";
import { parseString } from "./flags.ts";

export const keyFlags = {
  "sovereign-key": {
    kind: "parsed",
    parse: parseString,
    brief: "Public key to trust as the sovereign's",
    optional: true,
    placeholder: "FILE",
  },
  "sovereign-fingerprint": {
    kind: "parsed",
    parse: parseString,
    brief: "Its full fingerprint, 40 hex digits",
    optional: true,
    placeholder: "FPR",
  },
  "architect-key": {
    kind: "parsed",
    parse: parseString,
    brief: "Public key to trust as the architect's",
    optional: true,
    placeholder: "FILE",
  },
  "architect-fingerprint": {
    kind: "parsed",
    parse: parseString,
    brief: "Its full fingerprint, 40 hex digits",
    optional: true,
    placeholder: "FPR",
  },
} as const;

export interface KeyFlags {
  readonly "sovereign-key"?: string;
  readonly "sovereign-fingerprint"?: string;
  readonly "architect-key"?: string;
  readonly "architect-fingerprint"?: string;
}

/** Null when none are given. @throws USAGE_INVALID, APPROVAL_UNREADABLE */
export async function readGivenKeys(files: Files, flags: KeyFlags): Promise<Keys | null> {
  const read = async (role: "sovereign" | "architect") => {
    const key = flags[`${role}-key`];
    const fingerprint = flags[`${role}-fingerprint`];
    if ((key === undefined) !== (fingerprint === undefined))
      throw new CutterError("USAGE_INVALID", {
        problem: `--${role}-key and --${role}-fingerprint go together: a key file alone proves nobody`,
      });
    return key === undefined || fingerprint === undefined ? null : readGivenKey(files, key, fingerprint);
  };
  const sovereign = await read("sovereign");
  const architect = await read("architect");
  if (sovereign === null && architect !== null)
    throw new CutterError("USAGE_INVALID", { problem: "the architect's key is given without the sovereign's" });
  return sovereign === null ? null : { sovereign, architect };
}
