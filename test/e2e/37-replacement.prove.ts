// What the engine replaces, and a host that became another machine: afterwards everything is there, and nothing is left to be deleted.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { toHostIdentity } from "../../orchestrator/core/host/identity.ts";
import { readSandboxState } from "../../provision/sandbox/state/state.ts";
import { checkout, onHost } from "../support/e2e.ts";
import { makeSecondHost } from "../support/hosts/second-host.ts";
import { ensureReady } from "../support/ready-host.ts";
import { importState, pulumi, readState, readTree, up } from "../support/stack.ts";

const host = async (commandLine: string) => (await onHost(commandLine)).stdout;
const stackFile = join(checkout, "Pulumi.sandbox.yaml");
const stackText = readFileSync(stackFile, "utf8");
const isClean = async () => (await pulumi("preview", "--expect-no-changes")).code;
const pin = (keys: Readonly<Record<string, string | number>>) =>
  writeFileSync(
    stackFile,
    Object.entries(keys).reduce(
      (text, [key, value]) => text.replace(new RegExp(`^( *cutter-kit:${key}:).*$`, "m"), `$1 ${value}`),
      stackText,
    ),
  );

beforeAll(ensureReady);
afterAll(async () => {
  writeFileSync(stackFile, stackText);
  await up("--refresh=false");
  await ensureReady();
});

const older = "0.0.1-0123456789ab";
/** A good release of earlier, as the host's own record and link have it. */
const addOlderRelease = `cd /opt/cutter; mkdir releases/${older}; ln -s releases/${older} last-good
{ echo ${older}; cat release-state/good; } >release-state/good.new; mv release-state/good.new release-state/good`;
const removeOlderRelease = `cd /opt/cutter; rm -r releases/${older} last-good; sed -i /^${older}$/d release-state/good`;

it("every resource replaced in one up, then some with their dependents: all is there, and so is the release before", async () => {
  await host(addOlderRelease);
  const before = await readTree();
  try {
    const urns = ((await readState()).deployment.resources ?? []).map(({ urn }) => urn).filter((urn) => /[:$]cutterhost:index:/.test(urn));
    const all = await up(...urns.map((urn) => `--replace=${urn}`));
    expect([all.code, all.output]).toEqual([0, expect.stringMatching(new RegExp(`\\+-${urns.length} replaced`))]);
    expect(await readTree()).toBe(before);
    const kinds = new Map(urns.map((urn) => [urn.split("::")[2]?.split(":").at(-1), urn]));
    expect(kinds.size).toBe(10);
    for (const urn of ["Directory", "Release", "Unit"].map((kind) => kinds.get(kind) ?? "")) {
      expect([urn, (await up("--target-replace", urn, "--target-dependents")).code]).toEqual([urn, 0]);
      expect(await readTree()).toBe(before);
    }
    expect(await isClean()).toBe(0);
  } finally {
    await host(removeOlderRelease);
  }
});

it("a replacement that broke off before its delete: the next up leaves what stands there, and nothing is left to delete", async () => {
  const before = await readTree();
  const state = await readState();
  const resources = state.deployment.resources ?? [];
  const earlier = resources
    .filter(({ urn }) => /\$cutterhost:index:(?:File|Unit|Link|EnvLine|Release|KeyFile)::/.test(urn))
    .map((resource) => ({ ...resource, delete: true }));
  const ofAnother = JSON.parse(
    JSON.stringify(earlier).replaceAll(readSandboxState(checkout).machineIdentity, "f".repeat(64)),
  ) as typeof earlier;
  await importState({ ...state, deployment: { ...state.deployment, resources: [...resources, ...earlier, ...ofAnother] } });
  const { code, output } = await up();
  expect([code, output]).toEqual([0, expect.stringContaining("nothing was removed from the machine ffffffffffff…")]);
  expect(await readTree()).toBe(before);
  expect((await readState()).deployment.resources?.length).toBe(resources.length);
  expect(await isClean()).toBe(0);
});

it("a host whose machine-id changed: refused, then taken along by the new pin, and back by the old one", async () => {
  const [before, machineId] = [await readTree(), (await host("cat /etc/machine-id")).trim()];
  const changed = "0123456789abcdef0123456789abcdef";
  try {
    await host(`echo ${changed} >/etc/machine-id`);
    const refused = await up();
    expect([refused.code === 0, refused.output]).toEqual([false, expect.stringContaining("HOST_IDENTITY_MISMATCH")]);
    pin({ machineIdentity: toHostIdentity(changed) ?? "" });
    const moved = await up("--refresh=false");
    expect([moved.code, moved.output]).toEqual([0, expect.stringContaining("the stack names another machine")]);
    expect(moved.output).not.toMatch(/replaced|deleted/);
    expect([await isClean(), await readTree()]).toEqual([0, before]);
  } finally {
    await host(`echo ${machineId} >/etc/machine-id`);
    writeFileSync(stackFile, stackText);
  }
  expect((await up("--refresh=false")).code).toBe(0);
  expect([await isClean(), await readTree()]).toEqual([0, before]);
});

it("a host installed anew, with another host key and nothing on it: new pins and one up make it ready; the way back works", async () => {
  const before = await readTree();
  const second = await makeSecondHost();
  const { address, port, hostKey, machineIdentity } = second.state;
  try {
    pin({ host: address, port, hostKey, machineIdentity });
    await second.run("echo somebody >/usr/local/bin/cutter");
    const refused = await up("--refresh=false");
    expect([refused.code === 0, refused.output]).toEqual([false, expect.stringMatching(/FOREIGN_FILE .*\/usr\/local\/bin\/cutter/)]);
    expect(await second.run("cat /usr/local/bin/cutter; ls -d /opt/cutter /etc/cutter 2>/dev/null; rm /usr/local/bin/cutter")).toBe(
      "somebody\n",
    );
    const { code, output } = await up("--refresh=false");
    expect([code, output]).toEqual([0, expect.not.stringMatching(/replaced|deleted/)]);
    expect([await isClean(), await second.run("cutter self-verify >/dev/null && cutter kill-switch status")]).toEqual([0, "off\n"]);
    expect(await readTree()).toBe(before);
  } finally {
    writeFileSync(stackFile, stackText);
    await second.remove();
  }
  expect((await up("--refresh=false")).code).toBe(0);
  expect([await isClean(), await readTree()]).toEqual([0, before]);
});
