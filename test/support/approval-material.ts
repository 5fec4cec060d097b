// What the tests of approvals are made of: good documents, and signatures by stock gpg.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PinnedKeyFile } from "../../orchestrator/core/approval/verify.ts";
import type { Expected } from "../../orchestrator/core/approval/binding.ts";
import { sha256Hex } from "../../orchestrator/core/encoding/digest.ts";
import type { GpgHome } from "./gpg.ts";

export const host = sha256Hex("a host");
export const release = sha256Hex("a release");
export const payload = sha256Hex("a plan");
export const uuid = "0f9b2c1e-6a57-4d0c-9d5e-3b0f6f1a2c4d";

export const toTime = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;

type Fields = Readonly<Record<string, unknown>>;

export const sg1 = (change: Fields = {}): Fields => ({
  schema: "cutter.approval/1",
  gate: "SG_1",
  decision: "approve",
  run_id: "run-1",
  document_id: "knowledge/dev/harmless.md",
  phase: "cut_leg_a",
  payload_sha: payload,
  review_decision_id: uuid,
  issued_at: toTime(new Date()),
  host,
  release_sha256: release,
  ...change,
});

export const sg2 = (change: Fields = {}): Fields => sg1({ gate: "SG_2", phase: "lifecycle_enact", ...change });

export const entry = (change: Fields = {}): Fields => ({
  run_id: "run-2",
  document_id: "knowledge/dev/other.md",
  phase: "lifecycle_enact",
  payload_sha: sha256Hex("another plan"),
  review_decision_id: "11111111-2222-4333-8444-555555555555",
  ...change,
});

export const ruling = (change: Fields = {}): Fields =>
  sg1({
    gate: "RULING",
    document_sha256: sha256Hex("the document"),
    why_harmless: "A glossary that nothing depends on.",
    architect_text: { kb_id: "knowledge/rulings/ruling-1.md", revision: 3, sha256: sha256Hex("the ruling's text") },
    governance_principal: "directus_secdef",
    rollback_runbook_sha256: sha256Hex("the runbook"),
    grant_matrix_sha256: sha256Hex("the grants"),
    accepts: ["PRINCIPAL_TOO_STRONG"],
    expires_at: toTime(new Date(Date.now() + 3_600_000)),
    starts: 2,
    ...change,
  });

export const expected: Expected = {
  gate: "SG_1",
  runId: "run-1",
  documentId: "knowledge/dev/harmless.md",
  phase: "cut_leg_a",
  decision: "approve",
  host,
  releaseSha256: release,
  payloadSha: payload,
};

/** A document around a block's text. */
export const around = (json: string): Buffer => Buffer.from(`# An approval\n\n\`\`\`cutter-approval\n${json}\n\`\`\`\n\nFree prose.\n`);
export const toDocument = (fields: Fields): Buffer => around(JSON.stringify(fields, null, 2));

export interface SignOptions {
  readonly key: string; // fingerprint; with a ! at its end exactly this subkey
  readonly at?: string; // gpg's clock, e.g. "20200101T000000"
  readonly args?: readonly string[]; // instead of --detach-sign
}

/** What `gpg --armor --detach-sign` gives for these bytes. */
export function sign(home: GpgHome, bytes: Uint8Array, { key, at, args = ["--detach-sign"] }: SignOptions): Buffer {
  const time = at === undefined ? [] : ["--faked-system-time", at];
  return home.run([...time, "--armor", "--local-user", key, ...args], Buffer.from(bytes));
}

export const toGpgTime = (date: Date): string => date.toISOString().slice(0, 19).replace(/[-:]/g, "");

export const exportKey = (home: GpgHome, fingerprint: string): Buffer => home.run(["--armor", "--export", fingerprint]);
export const pinned = (home: GpgHome, fingerprint: string): PinnedKeyFile => {
  const bytes = exportKey(home, fingerprint);
  return { bytes, pin: { fingerprint, fileSha256: sha256Hex(bytes) } };
};

/** The packets of an armored file, one Buffer each, as gpg splits them. */
export function splitPackets(home: GpgHome, armored: Buffer): readonly Buffer[] {
  const file = join(home.directory, "split.bin");
  writeFileSync(file, home.run(["--dearmor"], armored));
  const bytes = home.run(["--dearmor"], armored);
  const starts = [
    ...home
      .run(["--list-packets", file])
      .toString("utf8")
      .matchAll(/^# off=(\d+) /gm),
  ].map((match) => Number(match[1]));
  return starts.map((start, index) => bytes.subarray(start, starts[index + 1] ?? bytes.length));
}

/** Armors packets as a signature file, as stock gpg does: gpg itself names every armor of foreign packets otherwise. */
export function armorSignature(home: GpgHome, packets: Buffer): Buffer {
  const text = home.run(["--enarmor"], packets).toString("latin1");
  return Buffer.from(text.replaceAll("ARMORED FILE", "SIGNATURE").replace(/^Comment: .*\n/m, ""), "latin1");
}
