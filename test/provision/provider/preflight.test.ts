// What stands in the way is found for all paths at once, before the first change: on this machine's own files.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, it } from "vitest";
import { hostLayout } from "../../../orchestrator/core/host/layout.ts";
import type { RemoteHost } from "../../../provision/host/connection.ts";
import { createPreflight, type Preflight } from "../../../provision/provider/preflight.ts";
import { createStateClaims } from "../../../provision/provider/state-claims.ts";
import { localAddress, localHost } from "../../support/hosts/local-host.ts";

const folder = mkdtempSync(join(tmpdir(), "ck-clearance-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const [standing, absent] = [join(folder, "standing"), join(folder, "absent")];
writeFileSync(standing, "somebody's");

const urn = "urn:pulumi:sandbox::cutter-kit::any";
let manifest = "";
const claimOf = (path: string, by: string) => `${JSON.stringify({ path, urn: by, sha256: "", state: "claimed" })}\n`;
const host: RemoteHost = {
  ...localHost,
  run: async (script, args, options) =>
    args[0] === hostLayout.ownership ? { code: 0, stdout: manifest, stderr: "" } : await localHost.run(script, args, options),
};

let clearance: Preflight;
/** The refusal that a change would meet now. */
const look = async (claims: readonly string[], lines: Readonly<Record<string, string>> = {}) => {
  clearance = createPreflight(createStateClaims());
  await clearance.check(host, urn, claims, { lines });
  return findRefusal();
};
const findRefusal = () => {
  try {
    clearance.require(localAddress);
    return null;
  } catch (error) {
    return error;
  }
};
beforeEach(() => {
  manifest = "";
  clearance = createPreflight(createStateClaims());
});

it("refuses every change of a host on which one path is somebody else's, and names them all", async () => {
  expect(await look([standing, absent, "user:root", "execution:off"])).toMatchObject({
    code: "FOREIGN_FILE",
    facts: { host: "local", path: [standing, "user:root"], found: ["not in the ownership manifest"] },
  });
});

it("calls an account in the way an account", async () => {
  expect(await look(["group:root"])).toMatchObject({ code: "FOREIGN_ACCOUNT" });
});

it("judges a line of an env file by its value, and an env file by whether it can take one", async () => {
  const [wanted, other, env] = ["A".repeat(40), "B".repeat(40), join(folder, "env")];
  const claim = `${env}#BACKUP_GPG_FPR`;
  const lookAt = async (text: string) => {
    writeFileSync(env, text);
    return await look([claim], { [claim]: wanted });
  };
  expect(await lookAt("A=1\n")).toBeNull();
  expect(await lookAt(`BACKUP_GPG_FPR=${wanted}\n`)).toBeNull();
  expect(await lookAt(`BACKUP_GPG_FPR=${other}\n`)).toMatchObject({ code: "ENV_LINE_FOREIGN", facts: { path: [claim] } });
  expect(await lookAt(`BACKUP_GPG_FPR=${wanted}\nBACKUP_GPG_FPR=${wanted}\n`)).toMatchObject({ code: "ENV_LINE_FOREIGN" });
  expect(await look([standing, claim], { [claim]: wanted })).toMatchObject({ code: "FOREIGN_FILE", facts: { path: [standing, claim] } });
  manifest = claimOf(claim, `${urn}::line`);
  expect(await look([claim], { [claim]: wanted })).toBeNull();
  manifest = "";
  rmSync(env);
  expect(await look([claim], { [claim]: wanted })).toMatchObject({ code: "ENV_FILE_UNFIT", facts: { problem: "it does not exist" } });
});

it("lets through what is absent, claimed by this stack, or known to its state", async () => {
  manifest = claimOf(standing, `${urn}::old name`);
  expect(await look([standing, absent])).toBeNull();
  manifest = "";
  const recorded = createStateClaims();
  recorded.note({ ...localAddress, name: "its-name-before" }, standing);
  clearance = createPreflight(recorded);
  await clearance.check(host, urn, [standing]);
  expect(findRefusal()).toBeNull();
});

it("says whose claim it is when another stack made it", async () => {
  manifest = claimOf(standing, "urn:pulumi:contabo::cutter-kit::File::one");
  expect(await look([standing])).toMatchObject({ facts: { found: ["claimed by stack contabo of cutter-kit"] } });
});

it("refuses a release that is neither built here nor on the host, before anything else is made", async () => {
  const nowhere = `${hostLayout.releases}/0.0.0-000000000000`;
  expect(await look([absent, nowhere])).toMatchObject({ code: "RELEASE_MISSING", facts: { host: "local", release: "0.0.0-000000000000" } });
  expect(await look([standing, nowhere])).toMatchObject({ code: "FOREIGN_FILE" });
});

it("warns once, where it was asked to", async () => {
  await clearance.check(host, urn, [standing], { warn: true });
  expect(clearance.takeWarning(localAddress)).toContain("FOREIGN_FILE");
  expect(clearance.takeWarning(localAddress)).toBeNull();
  await look([standing]);
  expect(clearance.takeWarning(localAddress)).toBeNull();
});
