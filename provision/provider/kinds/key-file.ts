// A public key on the host: judged by OpenPGP and by both pins (fingerprint and file digest) before anything is written.
import type { z } from "zod";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { readPinnedKey } from "../../../orchestrator/core/signing/public-key.ts";
import { resourceArgs } from "../../resource-args.ts";
import { defineKind } from "../kind/define.ts";
import { digestField, plainFile, withDigest } from "./file.ts";

const schema = resourceArgs.KeyFile.extend(digestField);

export const keyFileKind = defineKind<z.infer<typeof schema>>({
  ...plainFile,
  type: "KeyFile",
  schema,
  complete: async (inputs) => {
    const pin = { fingerprint: inputs.fingerprint, fileSha256: inputs.pinnedSha256 };
    await readPinnedKey(Buffer.from(inputs.content, "utf8"), pin, inputs.purpose, new Date()).catch((error: unknown) => {
      throw error instanceof CutterError
        ? error
        : new CutterError("KEY_NOT_ONE_PUBLIC_KEY", { reason: "file", path: inputs.path }, { cause: error });
    });
    return withDigest(inputs);
  },
});
