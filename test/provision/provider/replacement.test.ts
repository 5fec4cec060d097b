// What the engine asks after a replacement, and where another machine stands in the place of the one that the state knows.
import { expect, it } from "vitest";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import { hostLayout } from "../../../orchestrator/core/host/layout.ts";
import type { HostAddress } from "../../../provision/host/address.ts";
import type { RemoteHost } from "../../../provision/host/connection.ts";
import { createHostPool } from "../../../provision/host/pool.ts";
import { kinds } from "../../../provision/provider/kinds/index.ts";
import { createProvider } from "../../../provision/provider/provider.ts";
import { localAddress } from "../../support/hosts/local-host.ts";
import { makeSigner } from "../../support/worlds/signer.ts";

const access = { mode: "0644", owner: "root", group: "root" };
const key = (await makeSigner("backup", new Date(Date.now() - 1_000))).file;
const keyText = Buffer.from(key.bytes).toString("utf8");

/** Of each kind: what the program gives, and what stands where it is replaced by another of the same resource. */
const inputs: Readonly<Record<string, object>> = {
  ExecutionOff: {},
  Group: { name: "cutter" },
  User: { name: "cutter", group: "cutter", home: "/nonexistent", shell: "/bin/false", groups: [] },
  Directory: { ...access, path: "/opt/x", keep: false },
  File: { ...access, path: "/opt/x/file", content: "text\n" },
  Link: { path: "/opt/x/link", target: "file" },
  KeyFile: {
    ...access,
    path: "/opt/x/key.asc",
    content: keyText,
    fingerprint: key.pin.fingerprint,
    pinnedSha256: key.pin.fileSha256,
    purpose: "encrypt",
  },
  Unit: { ...access, path: "/etc/systemd/system/x.socket", name: "x.socket", content: "[Socket]\n", activation: "socket" },
  EnvLine: { path: "/opt/x/.env", name: "BACKUP_GPG_FPR", value: "A".repeat(40) },
  Release: { name: "0.6.0-0123456789ab", sha256: "0123456789ab" },
};
const toUrn = (type: string) => `urn:pulumi:s::cutter-kit::cutterhost:index:${type}::local/x`;
const elsewhere: HostAddress = { ...localAddress, machineIdentity: "1".repeat(64) };

/** A provider as one command of the engine has it. `jobs`: the scripts that ran on a host, by machine. `answer`: to any other command. */
function openProvider(answer = "") {
  const jobs: string[] = [];
  const said: string[] = [];
  const open = (address: HostAddress): Promise<RemoteHost> =>
    Promise.resolve({
      address,
      isOpen: () => true,
      run: async (_script, args) => {
        const job = args[0]?.startsWith("cutter-job-") === true ? args[1] : undefined;
        if (job !== undefined) jobs.push(job);
        const stdout = args[0] === hostLayout.ownership || args[0] === hostLayout.armed ? "" : answer;
        return { code: 0, stdout: job === undefined ? stdout : "", stderr: "" };
      },
      close: () => undefined,
    });
  const provider = createProvider(createHostPool(open), (line) => said.push(line));
  const toInputs = async (type: string, host: HostAddress = localAddress): Promise<object> => {
    const { inputs: checked, failures } = (await provider.check?.(toUrn(type), {}, { host, adopt: false, ...inputs[type] })) ?? {};
    if (checked === undefined) throw new Error(JSON.stringify(failures));
    return checked as object;
  };
  return { provider, jobs, said, toInputs };
}

const removed = kinds.map(({ type }) => type).filter((type) => !["ExecutionOff", "Group", "User"].includes(type));

it.each(kinds.map(({ type }) => type))("%s: the delete that follows a replacement in place leaves what was just made", async (type) => {
  const { provider, jobs, toInputs } = openProvider();
  await provider.delete?.("x", toUrn(type), await toInputs(type));
  expect(jobs).toEqual([]);
});

it.each(removed)(
  "%s: what the program declares no more is removed, also by a command that declares nothing, as a destroy",
  async (type) => {
    const props = await openProvider().toInputs(type);
    const { provider, jobs } = openProvider("absent\n");
    await provider.delete?.("x", toUrn(type), props).catch(() => undefined); // this host's answers fit one kind of reading
    expect(jobs.some((script) => /\b(?:rm|rmdir|was=)/.test(script))).toBe(true);
  },
);

it("the release of another name takes no release away while the program declares one", async () => {
  const { provider, jobs, toInputs } = openProvider();
  const declared = await toInputs("Release");
  await provider.delete?.("x", toUrn("Release"), { ...declared, name: "0.5.0-ba9876543210", current: "0.5.0-ba9876543210" });
  expect(jobs).toEqual([]);
});

it("a file that moved is removed at its old path, and stays where another name of the program has it", async () => {
  const { provider, jobs, toInputs } = openProvider("absent\n");
  const declared = await toInputs("File");
  await provider.delete?.("x", toUrn("File").replace("local/x", "local/older-name"), declared);
  expect(jobs).toEqual([]);
  await provider.delete?.("x", toUrn("File"), { ...declared, path: "/opt/x/older" });
  expect(jobs.map((script) => script.includes("rm -f"))).toEqual([true, false]); // the second gives the claim up
});

it("another identity is no replacement: an update makes the thing there, and nothing is asked of the machine before it", async () => {
  const { provider, jobs, said, toInputs } = openProvider();
  const before = await openProvider().toInputs("File");
  const after = await toInputs("File", elsewhere);
  expect(await provider.diff?.("x", toUrn("File"), before, after)).toEqual({ changes: true, replaces: [] });
  await provider.check?.(toUrn("File"), before, after);
  await provider.check?.(toUrn("File"), before, after);
  expect(said).toEqual([
    expect.stringMatching(/^\[WARN\] host local: the stack names another machine \(1{12}…\) than its state \(0{12}…\)/),
  ]);
  await provider.delete?.("x", toUrn("Link"), await openProvider().toInputs("Link"));
  await provider.delete?.("x", toUrn("Unit"), await openProvider().toInputs("Unit"));
  expect(jobs).toEqual([]);
  expect(said.slice(1)).toEqual([
    "[WARN] host local: nothing was removed from the machine 000000000000…, in whose place the stack names another",
  ]);
});

it("on another machine a thing that is not ours is refused, as by a create; on the same machine an update mends it", async () => {
  const foreign = `file\n644 root root 8\n${sha256Hex("foreign\n")}  -\n${Buffer.from("foreign\n").toString("base64")}\n`;
  const { provider, jobs, toInputs } = openProvider(foreign);
  const before = await openProvider().toInputs("File");
  const after = await toInputs("File", elsewhere);
  await expect(provider.update?.("x", toUrn("File"), before, after)).rejects.toThrow(/^FOREIGN_FILE .*path=\/opt\/x\/file/);
  expect(jobs).toEqual([]);
  await expect(provider.update?.("x", toUrn("File"), after, after)).rejects.toThrow(/^HOST_NOT_AS_WRITTEN /); // this host keeps its answer
  expect(jobs).toHaveLength(1);
});
