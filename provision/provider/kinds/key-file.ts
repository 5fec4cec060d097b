// A public key on the host: judged by OpenPGP and by both pins (fingerprint and file digest) before anything is written.
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { readPinnedKey } from "../../../orchestrator/core/signing/public-key.ts";
import { resourceArgs } from "../../resource-args.ts";
import { defineKind } from "../kind/define.ts";
import { digestField, readFileInputs, withDigest } from "./file.ts";
import { toWriteFile } from "./support/write-file.ts";

export const keyFileKind = defineKind({
  type: "KeyFile",
  schema: resourceArgs.KeyFile.extend(digestField),
  complete: async (inputs) => {
    const pin = { fingerprint: inputs.fingerprint, fileSha256: inputs.pinnedSha256 };
    await readPinnedKey(Buffer.from(inputs.content, "utf8"), pin, inputs.purpose, new Date()).catch((error: unknown) => {
      throw error instanceof CutterError ? error : new CutterError("KEY_FILE_REFUSED", { path: inputs.path }, { cause: error });
    });
    return withDigest(inputs);
  },
  claimOf: ({ path }) => path,
  foreignCode: "FOREIGN_FILE",
  read: readFileInputs,
  write: async ({ runJob }, inputs) => await runJob(toWriteFile(inputs, Buffer.from(inputs.content, "utf8"))),
  remove: ({ path }) => ({ script: 'rm -f -- "$1"; sync -- "$(dirname -- "$1")"', args: [path] }),
});
