// Public keys on the host, pinned by fingerprint and file digest, and the line that tells the host's own backups which key is ours.
import { ComponentResource, type ComponentResourceOptions } from "@pulumi/pulumi";
import { hostLayout } from "../../orchestrator/core/host/layout.ts";
import { declareEnvLine, declareFile, declareKeyFile } from "./declare.ts";
import { keyPurposes, readPinnedFile } from "../stack/pinned-file.ts";
import { toChildOptions, type HostTarget } from "./target.ts";

const rootFile = { mode: "0644", owner: "root", group: "root" } as const;

export class Keyring extends ComponentResource {
  constructor(target: HostTarget, options: ComponentResourceOptions = {}) {
    super("cutter-kit:host:Keyring", target.nameOf("keyring"), {}, options);
    const { keys, orchestrator } = target.config;
    for (const name of ["backup", "sovereign", "architect"] as const) {
      const key = keys[name];
      if (key === undefined) continue;
      const path = `${hostLayout.keys}/${name}.asc`;
      const content = readPinnedFile(`cutter-kit:keys.${name}`, key);
      declareKeyFile(
        target.nameOf(path),
        {
          ...target.base(path),
          ...rootFile,
          path,
          content,
          fingerprint: key.fingerprint,
          pinnedSha256: key.sha256,
          purpose: keyPurposes[name],
        },
        toChildOptions(this),
      );
    }
    if (keys.kbCa !== undefined && orchestrator.kb_ca_file !== null) {
      const path = orchestrator.kb_ca_file;
      declareFile(
        target.nameOf(path),
        { ...target.base(path), ...rootFile, path, content: readPinnedFile("cutter-kit:keys.kbCa", keys.kbCa) },
        toChildOptions(this),
      );
    }
    const envFile = orchestrator.env_files["BACKUP_GPG_FPR"] ?? hostLayout.dockerEnv;
    declareEnvLine(
      target.nameOf(`${envFile}#BACKUP_GPG_FPR`),
      {
        ...target.base(`${envFile}#BACKUP_GPG_FPR`, keys.backup.fingerprint),
        path: envFile,
        name: "BACKUP_GPG_FPR",
        value: keys.backup.fingerprint,
      },
      toChildOptions(this),
    );
    this.registerOutputs({});
  }
}
