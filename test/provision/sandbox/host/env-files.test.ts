// The env files of the replica: our names readable by the kit's own strict reader, everything else a business's odd lines.
import { describe, expect, it } from "vitest";
import { parseEnvFile } from "../../../../orchestrator/core/host/env-file.ts";
import { envNames } from "../../../../orchestrator/core/host/secret-names.ts";
import { renderDockerEnv, renderProductionEnv, type SandboxSecrets } from "../../../../provision/sandbox/host/env-files.ts";

const secrets: SandboxSecrets = {
  admin: "admin-pw",
  cutterExec: "exec_pw-1",
  cutterVerify: "verify_pw-2",
  contextPackReadonly: "readonly_pw-3",
  directusSecdef: "secdef_pw-4",
  cutterRevert: "revert_pw-7",
  agentData: "kb-db-pw",
  kbApiKey: "api_key-5",
  business: "biz_pw-6",
};

describe("the env files of the replica", () => {
  const docker = parseEnvFile(Buffer.from(renderDockerEnv(secrets)), "docker");
  const production = parseEnvFile(Buffer.from(renderProductionEnv(secrets)), "production");

  it("hold every name of ours once, in one file or the other, except BACKUP_GPG_FPR, which is GAP-3", () => {
    const names = [...docker.keys(), ...production.keys()].sort();
    expect(names).toEqual(
      envNames
        .map((entry) => entry.name)
        .filter((name) => name !== "BACKUP_GPG_FPR")
        .sort(),
    );
  });

  it("give back exactly the generated secrets", () => {
    expect(docker.get("DOT_CUTTER_EXEC_DB_PASSWORD")?.reveal()).toBe(secrets.cutterExec);
    expect(docker.get("DOT_CUTTER_VERIFY_DB_PASSWORD")?.reveal()).toBe(secrets.cutterVerify);
    expect(docker.get("DOT_CUTTER_READONLY_DB_PASSWORD")?.reveal()).toBe(secrets.contextPackReadonly);
    expect(production.get("AGENT_DATA_API_KEY")?.reveal()).toBe(secrets.kbApiKey);
    expect(production.get("DIRECTUS_SECDEF_DSN")?.reveal()).toBe(
      "postgresql://directus_secdef:secdef_pw-4@127.0.0.1:5432/directus?sslmode=disable",
    );
  });

  it("have lines of a business with =, #, $ and quotes in their values, and a value over several lines", () => {
    const others = `${renderDockerEnv(secrets)}${renderProductionEnv(secrets)}`
      .split("\n")
      .filter((text) => !envNames.some((entry) => text.startsWith(`${entry.name}=`)));
    for (const sign of ["=", "#", "$", "'", '"']) {
      expect(
        others.some((text) => !text.startsWith("#") && text.slice(text.indexOf("=") + 1).includes(sign)),
        sign,
      ).toBe(true);
    }
    expect(others.some((text) => /="[^"]*$/.test(text))).toBe(true);
  });

  it("keep a secret of the knowledge base's own database out: only its service may have it", () => {
    expect(`${renderDockerEnv(secrets)}${renderProductionEnv(secrets)}`).not.toContain(secrets.agentData);
  });
});
