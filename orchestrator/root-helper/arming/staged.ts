// What runbooks/enable staged for one run in /run/cutter/incoming/<run_id>/: the ruling with its signatures, and a decision on a failed
// phase if there is one.
import { readdirSync } from "node:fs";
import { approvalBytesMax } from "../../core/approval/block.ts";
import { tokenFiles } from "../../core/arming/token.ts";
import { CutterError } from "../../core/errors.ts";
import { hostLayout } from "../../core/host/layout.ts";
import type { RunId } from "../../core/run-id.ts";
import type { SignedDocument } from "../../ports/live-token.ts";
import { toHostPath, type Host } from "../files/host.ts";
import { readSafeFile } from "../files/safe-file.ts";

export interface Staged {
  readonly ruling: SignedDocument;
  readonly decision: SignedDocument | null;
  /** The very bytes, by the names they have in the token's folder. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

const signatureBytesMax = 64 * 1024;

/** Root's own folder on tmpfs, each file read once. @throws ENABLE_STAGED_UNFIT, HOST_FILE_* */
export function readStaged(host: Host, runId: RunId): Staged {
  const folder = `${hostLayout.incoming}/${runId}`;
  const { ruling, rulingSovereign, rulingArchitect, decision, decisionSignature } = tokenFiles;
  const known: readonly string[] = [ruling, rulingSovereign, rulingArchitect, decision, decisionSignature];
  const names = listStaged(host, folder);
  const unknown = names.filter((name) => !known.includes(name));
  const missing = [
    ruling,
    rulingSovereign,
    ...(names.includes(decision) || names.includes(decisionSignature) ? [decision, decisionSignature] : []),
  ].filter((name) => !names.includes(name));
  if (unknown.length > 0 || missing.length > 0)
    throw new CutterError("ENABLE_STAGED_UNFIT", { folder, unknown: unknown.slice(0, 10), missing });
  const files = new Map(
    names.map(
      (name) =>
        [
          name,
          readSafeFile(host, `${folder}/${name}`, {
            forbidden: 0o077,
            maxBytes: name.endsWith(".asc") ? signatureBytesMax : approvalBytesMax,
          }),
        ] as const,
    ),
  );
  const of = (...wanted: readonly string[]): SignedDocument | null => {
    const [document, ...signatures] = wanted.flatMap((name) => files.get(name) ?? []);
    return document === undefined ? null : { document, signatures };
  };
  const stagedRuling = of(ruling, rulingSovereign, rulingArchitect);
  if (stagedRuling === null) throw new CutterError("ENABLE_STAGED_UNFIT", { folder, unknown: [], missing: [ruling] });
  return { ruling: stagedRuling, decision: of(decision, decisionSignature), files };
}

function listStaged(host: Host, folder: string): readonly string[] {
  try {
    return readdirSync(toHostPath(host, folder)).toSorted();
  } catch (cause) {
    throw new CutterError("ENABLE_STAGED_UNFIT", { folder, problem: "nothing is staged there" }, { cause });
  }
}
