// A file of the operator's machine that the stack pins by digest: it is read only as what it was when it was pinned.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { sha256Hex } from "../../orchestrator/core/digest.ts";
import { CutterError } from "../../orchestrator/core/errors.ts";
import { findCheckout } from "../host/checkout.ts";

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
