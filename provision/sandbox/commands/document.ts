// `sandbox document add`: a document into the knowledge base, and into the two source registries, as production's registrar would.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { parseDocCode } from "../../../orchestrator/core/plan/address.ts";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { assertKbId } from "../../../orchestrator/core/knowledge-base/id.ts";
import { toSetLines } from "../host/database.ts";
import { uploadDocument } from "../knowledge-base/client.ts";
import { queryInSandbox } from "./ssh.ts";
import { readSandboxState } from "../state/state.ts";

export interface AddedDocument {
  readonly id: string;
  readonly docCode: string;
  readonly revision: number;
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * Uploads, reads back in full, registers document and version. May be repeated: each time is a new revision and a new version.
 * The document code is the last part of the id without `.md`, unless `docCode` says otherwise.
 * @throws KB_ID_INVALID, DOC_CODE_INVALID, USAGE_INVALID, SANDBOX_NOT_UP, what `uploadDocument` throws
 */
export async function addDocument(checkout: string, file: string, id: string, docCode: string | null): Promise<AddedDocument> {
  assertKbId(id);
  const code = parseDocCode(docCode ?? basename(id, ".md"));
  const bytes = readDocument(file);
  const body = bytes.toString("utf8");
  const state = readSandboxState(checkout);
  const title = /^#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$/m.exec(body)?.[1] ?? basename(file);
  const stored = await uploadDocument(
    { ...state.kb, address: state.address },
    { id, title: title.slice(0, 200), body, tags: ["source-document"] },
  );
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const variables = toSetLines({
    kb_id: id,
    doc_code: code,
    title: title.slice(0, 200),
    revision: String(stored.revision),
    sha256,
    byte_length: String(bytes.length),
  });
  await queryInSandbox(checkout, variables + readFileSync(new URL("../sql/register-document.sql", import.meta.url), "utf8"));
  return { id, docCode: code, revision: stored.revision, sha256, bytes: bytes.length };
}

/** The knowledge base keeps text: bytes that are no UTF-8, or hold U+0000, would come back as others. */
function readDocument(file: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new CutterError("USAGE_INVALID", { reason: "document", file, problem: "cannot be read" }, { cause });
  }
  if (bytes.length === 0) throw new CutterError("USAGE_INVALID", { reason: "document", file, problem: "is empty" });
  if (!Buffer.from(bytes.toString("utf8"), "utf8").equals(bytes))
    throw new CutterError("USAGE_INVALID", { reason: "document", file, problem: "is not UTF-8" });
  if (bytes.includes(0)) throw new CutterError("USAGE_INVALID", { reason: "document", file, problem: "holds U+0000" });
  return bytes;
}
