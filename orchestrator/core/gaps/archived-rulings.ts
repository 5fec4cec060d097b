// The rulings that root keeps on the host after arming by them, judged again at each survey: by the keys pinned now, for this host and
// release, at this moment. Pure but for the signatures' arithmetic.
import type { Ruling } from "../approval/schema.ts";
import { verifyApproval, type Keys, type PinnedKeyFile, type Signer } from "../approval/verify.ts";
import { CutterError, toCodeText } from "../errors.ts";
import { toOwnershipClaims } from "./evidence.ts";
import { readSurveyedConfig } from "./state.ts";
import type { HostFacts } from "../host/facts.ts";
import { hostLayout } from "../host/layout.ts";
import { countSpent, spentSchema } from "../arming/ledger-record.ts";
import { readFingerprint } from "../signing/signature.ts";
import { tryParseJson } from "../encoding/try-parse-json.ts";
import { toRulingScope } from "../approval/scope.ts";
import { toExpectedGate } from "../approval/binding.ts";

/** Where root keeps them: one folder a ruling, by the sha256 of its document. */
export const rulingsFolder = `${hostLayout.ledger}/rulings`;
export const rulingFiles = { document: "ruling.md", sovereign: "ruling.md.sovereign.asc", architect: "ruling.md.architect.asc" } as const;
export const rulingArchive = { folder: rulingsFolder, names: Object.values(rulingFiles) } as const;

export interface ValidRuling {
  readonly ruling: Ruling;
  readonly documentSha256: string;
  readonly signers: readonly Pick<Signer, "role" | "fingerprint">[];
  readonly humanSigners: 1 | 2;
  readonly startsSpent: number;
}

export interface ArchivedRulings {
  readonly valid: readonly ValidRuling[]; // newest first
  readonly refused: readonly { readonly sha256: string; readonly code: string }[]; // expired, or signed by a key that is pinned no more
}

export const noRulings: ArchivedRulings = { valid: [], refused: [] };

/** Never throws for what lies on the host: a ruling that does not verify is refused with its code, and closes no gap. */
export async function verifyArchivedRulings(facts: HostFacts, now: Date): Promise<ArchivedRulings> {
  if (facts.rulings.length === 0) return noRulings;
  const valid: ValidRuling[] = [];
  const refused: { sha256: string; code: string }[] = [];
  for (const archived of facts.rulings) {
    try {
      valid.push(await verifyArchivedRuling(facts, archived, now));
    } catch (error) {
      if (!(error instanceof CutterError)) throw error;
      refused.push({ sha256: archived.sha256, code: toCodeText(error) });
    }
  }
  return { valid: valid.toSorted((left, right) => right.ruling.issued_at.localeCompare(left.ruling.issued_at)), refused };
}

async function verifyArchivedRuling(facts: HostFacts, { sha256, files }: HostFacts["rulings"][number], now: Date): Promise<ValidRuling> {
  const keys = await readSurveyedKeys(facts);
  const config = readSurveyedConfig(facts);
  const document = toBytes(files.get(rulingFiles.document));
  const signatures = [rulingFiles.sovereign, rulingFiles.architect].flatMap((name) => (files.has(name) ? [toBytes(files.get(name))] : []));
  if (config === null || facts.current === null) throw new CutterError("CONFIG_INVALID", { file: hostLayout.config });
  const ruling = toRulingScope(config, facts.paths.get(hostLayout.rollbackRunbook)?.digest ?? "");
  const expected = {
    ...toExpectedGate("RULING"),
    host: facts.machineIdentity,
    releaseSha256: facts.current.manifestSha256,
    ruling,
  } as const;
  const verified = await verifyApproval({ document, signatures, keys, expected, now });
  if (verified.approval.gate !== "RULING" || verified.documentSha256 !== sha256)
    throw new CutterError("APPROVAL_FOR_ANOTHER", { field: "gate", expected: "RULING", found: verified.approval.gate });
  const spent = facts.spent.flatMap((line) => {
    const record = spentSchema.safeParse(tryParseJson(line));
    return record.success ? [record.data] : [];
  });
  return {
    ruling: verified.approval,
    documentSha256: sha256,
    signers: verified.signers.map(({ role, fingerprint }) => ({ role, fingerprint })),
    humanSigners: verified.humanSigners,
    startsSpent: countSpent(spent, { document_sha256: sha256, review_decision_id: verified.approval.review_decision_id }),
  };
}

/** As arming reads them: what pins a key on the host is its digest in the ownership manifest. @throws APPROVAL_KEY_NOT_PINNED, KEY_* */
export async function readSurveyedKeys(facts: HostFacts): Promise<Keys> {
  const claims = toOwnershipClaims(facts.claims);
  const read = async (role: "sovereign" | "architect"): Promise<PinnedKeyFile | null> => {
    const file = `${hostLayout.keys}/${role}.asc`;
    const pinned = claims.get(file)?.contentSha256;
    const text = facts.keyFiles.get(file);
    if (pinned === undefined && text === undefined) return null;
    if (pinned === undefined || text === undefined)
      throw new CutterError("APPROVAL_KEY_NOT_PINNED", {
        file,
        problem: pinned === undefined ? "it stands there, but the ownership manifest does not pin it" : "it is pinned, but not there",
      });
    const bytes = toBytes(text);
    return { bytes, pin: { fingerprint: await readFingerprint(bytes), fileSha256: pinned } };
  };
  const sovereign = await read("sovereign");
  if (sovereign === null)
    throw new CutterError("APPROVAL_KEY_NOT_PINNED", {
      file: `${hostLayout.keys}/sovereign.asc`,
      problem: "the stack pins no sovereign key",
    });
  return { sovereign, architect: await read("architect") };
}

function toBytes(base64: string | undefined): Uint8Array {
  return Buffer.from(base64 ?? "", "base64");
}
