// A file of the operator's machine that the stack pins by digest: it is read only as what it was when it was pinned.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { sha256Hex } from "../../orchestrator/core/encoding/digest.ts";
import { CutterError } from "../../orchestrator/core/errors.ts";
import { readPinnedKey } from "../../orchestrator/core/signing/public-key.ts";
import type { StackConfig } from "./config.ts";
import { findCheckout } from "../checkout.ts";

/** The text of the file. @throws STACK_CONFIG_INVALID naming `key` when the file is missing, is no text or has another digest. */
export function readPinnedFile(key: string, pin: { readonly path: string; readonly sha256: string }): string {
  const refuse = (problem: string): CutterError => new CutterError("STACK_CONFIG_INVALID", { problems: [`${key}: ${problem}`] });
  let bytes: Buffer;
  try {
    bytes = readFileSync(resolve(findCheckout(), pin.path));
  } catch {
    throw refuse(`cannot read ${pin.path}`);
  }
  const found = sha256Hex(bytes);
  if (found !== pin.sha256) throw refuse(`${pin.path} has sha256 ${found}, pinned is ${pin.sha256}`);
  const text = bytes.toString("utf8");
  if (!Buffer.from(text, "utf8").equals(bytes)) throw refuse(`${pin.path} is not UTF-8 text`);
  return text;
}

/** Who signs and who is encrypted to. */
export const keyPurposes = { backup: "encrypt", sovereign: "sign", architect: "sign" } as const;

/**
 * Judges every file the stack pins, before anything is declared: a key found bad halfway would leave a host that is half ready.
 * @throws STACK_CONFIG_INVALID; what readPinnedKey throws, with `key` and `file`
 */
export async function requirePinnedFiles({ keys, rollbackRunbook }: Pick<StackConfig, "keys" | "rollbackRunbook">): Promise<void> {
  readPinnedFile("cutter-kit:rollbackRunbook", rollbackRunbook);
  if (keys.kbCa !== undefined) readPinnedFile("cutter-kit:keys.kbCa", keys.kbCa);
  for (const name of ["backup", "sovereign", "architect"] as const) {
    const pin = keys[name];
    if (pin === undefined) continue;
    const key = `cutter-kit:keys.${name}`;
    await readPinnedKey(
      Buffer.from(readPinnedFile(key, pin), "utf8"),
      { fingerprint: pin.fingerprint, fileSha256: pin.sha256 },
      keyPurposes[name],
      new Date(),
    ).catch((error: unknown) => {
      throw error instanceof CutterError ? new CutterError(error.code, { key, file: pin.path, ...error.facts }, { cause: error }) : error;
    });
  }
}
