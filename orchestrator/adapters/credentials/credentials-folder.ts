// Secrets and env values as systemd hands them over: files s_NAME in $CREDENTIALS_DIRECTORY. Never the environment itself.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CutterError } from "../../core/errors.ts";
import { Secret } from "../../core/host/secret.ts";
import { envNames, type EnvName } from "../../core/host/secret-names.ts";
import { toErrorCode } from "../node-files/node-files.ts";

export interface Credentials {
  /** @throws CREDENTIALS_MISSING naming it */
  read(name: EnvName): Promise<Secret>;
  /** For names that are not secret. @throws CREDENTIALS_MISSING */
  readPlain(name: EnvName): Promise<string>;
  readOptional(name: EnvName): Promise<Secret | null>;
}

/** `folder` is $CREDENTIALS_DIRECTORY. One trailing newline is not part of a value. */
export function credentialsFolder(folder: string | undefined): Credentials {
  const readOptional = async (name: EnvName): Promise<Secret | null> => {
    if (folder === undefined) throw new CutterError("CREDENTIALS_MISSING", { wanted: name });
    try {
      return new Secret((await readFile(join(folder, `s_${name}`), "utf8")).replace(/\n$/, ""));
    } catch (error) {
      if (toErrorCode(error) === "ENOENT") return null;
      throw error;
    }
  };
  const read = async (name: EnvName): Promise<Secret> => {
    const secret = await readOptional(name);
    if (secret === null || secret.reveal() === "") throw new CutterError("CREDENTIALS_MISSING", { reason: "value", name });
    return secret;
  };
  return {
    read,
    readOptional,
    readPlain: async (name) => {
      if (envNames.some((entry) => entry.name === name && entry.secret)) throw new Error(`${name} is a secret`);
      return (await read(name)).reveal();
    },
  };
}
