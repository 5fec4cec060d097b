// What stands in the way is found for all paths at once, before the first change: on this machine's own files.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, it } from "vitest";
import { hostLayout } from "../../../orchestrator/core/host-layout.ts";
import type { RemoteHost } from "../../../provision/host/connection.ts";
import { createClearance, type Clearance } from "../../../provision/provider/clearance.ts";
import { localAddress, localHost } from "../../support/local-host.ts";

const folder = mkdtempSync(join(tmpdir(), "ck-clearance-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const [standing, absent] = [join(folder, "standing"), join(folder, "absent")];
writeFileSync(standing, "somebody's");

const urn = "urn:pulumi:sandbox::cutter-kit::any";
let manifest = "";
const claimOf = (path: string, by: string) => `${JSON.stringify({ path, urn: by, sha256: "", state: "claimed" })}\n`;
const host: RemoteHost = { ...localHost, run: async (script, args, options) => (args[0] === hostLayout.ownership ? { code: 0, stdout: manifest, stderr: "" } : await localHost.run(script, args, options)) };

let clearance: Clearance;
beforeEach(() => {
  manifest = "";
  clearance = createClearance();
});

it("refuses every change of a host on which one path is somebody else's, and names them all", async () => {
  await clearance.look(host, urn, [standing, absent, "user:root", "execution:off", `${standing}#NAME`]);
  expect(() => clearance.require(localAddress)).toThrow(expect.objectContaining({ code: "FOREIGN_FILE", facts: { host: "local", path: [standing, "user:root"], found: ["not in the ownership manifest"] } }));
});

it("calls an account in the way an account", async () => {
  expect(await clearance.look(host, urn, ["group:root"])).toMatchObject({ code: "FOREIGN_ACCOUNT" });
});

it("lets through what is absent, claimed by this stack, or known to its state", async () => {
  manifest = claimOf(standing, `${urn}::old name`);
  expect(await clearance.look(host, urn, [standing, absent])).toBeNull();
  manifest = "";
  clearance.noteRecorded(localAddress, standing);
  expect(await clearance.look(host, urn, [standing])).toBeNull();
  expect(() => clearance.require(localAddress)).not.toThrow();
});

it("says whose claim it is when another stack made it", async () => {
  manifest = claimOf(standing, "urn:pulumi:contabo::cutter-kit::File::one");
  expect(await clearance.look(host, urn, [standing])).toMatchObject({ facts: { found: ["claimed by urn:pulumi:contabo::cutter-kit::File::one"] } });
});
