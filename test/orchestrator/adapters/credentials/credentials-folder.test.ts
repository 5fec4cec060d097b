// Credentials: only from the folder systemd hands over, and never printed.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, expect, it } from "vitest";
import { credentialsFolder } from "../../../../orchestrator/adapters/credentials/credentials-folder.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cutter-credentials-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("gives a secret that shows its value to nobody but the one who asks for it", async () => {
  await writeFile(join(folder, "s_AGENT_DATA_API_KEY"), "hidden-value\n");
  const secret = await credentialsFolder(folder).read("AGENT_DATA_API_KEY");
  expect(secret.reveal()).toBe("hidden-value");
  expect(`${String(secret)} ${JSON.stringify({ secret })} ${inspect(secret)}`).not.toContain("hidden-value");
});

it("names what is absent or empty, and refuses to work without a folder", async () => {
  await writeFile(join(folder, "s_DOT_CUTTER_DB_HOST"), "\n");
  const credentials = credentialsFolder(folder);
  await expect(credentials.readPlain("DOT_CUTTER_DB_HOST")).rejects.toMatchObject({
    code: "CREDENTIALS_MISSING",
    facts: { reason: "value", name: "DOT_CUTTER_DB_HOST" },
  });
  await expect(credentials.read("DIRECTUS_SECDEF_DSN")).rejects.toMatchObject({
    code: "CREDENTIALS_MISSING",
    facts: { reason: "value" },
    exitCode: 78,
  });
  expect(await credentials.readOptional("DIRECTUS_SECDEF_DSN")).toBeNull();
  await expect(credentials.readPlain("AGENT_DATA_API_KEY")).rejects.toThrow("is a secret");
  await expect(credentialsFolder(undefined).read("AGENT_DATA_API_KEY")).rejects.toMatchObject({ code: "CREDENTIALS_MISSING" });
});
