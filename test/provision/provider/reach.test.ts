// What the first preview of a new stack asks before anything is there to be refreshed: does this host let us in?
import { expect, it } from "vitest";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import type { RemoteHost } from "../../../provision/host/connection.ts";
import { createHostPool } from "../../../provision/host/pool.ts";
import { createProvider } from "../../../provision/provider/provider.ts";
import { localAddress } from "../../support/hosts/local-host.ts";

const toHost = (stdout: string): RemoteHost => ({
  address: localAddress,
  isOpen: () => true,
  run: () => Promise.resolve({ code: 0, stdout, stderr: "" }),
  close: () => undefined,
});

it("says nothing of a host that lets us in", async () => {
  const provider = createProvider(
    createHostPool(() => Promise.resolve(toHost(""))),
    () => expect.unreachable(),
  );
  expect(await provider.invoke?.("cutterhost:index:reachHost", { host: localAddress })).toEqual({ outputs: { problem: null } });
});

it("names a drop-in of all units, which changes ours and is not ours to move", async () => {
  const said: string[] = [];
  const provider = createProvider(
    createHostPool(() => Promise.resolve(toHost("/etc/systemd/system/service.d/local.conf\n"))),
    (line) => said.push(line),
  );
  expect(await provider.invoke?.("cutterhost:index:reachHost", { host: localAddress })).toEqual({ outputs: { problem: null } });
  expect(said).toEqual([expect.stringMatching(/^\[WARN\] host \S+: \/etc\/systemd\/system\/service\.d\/local\.conf changes every unit/)]);
});

it("gives code and remedy of a refusal, and does not knock again for the next question", async () => {
  let attempts = 0;
  const refuse = () => ((attempts += 1), Promise.reject(new CutterError("HOST_AUTH_REFUSED", { host: "contabo" })));
  const provider = createProvider(createHostPool(refuse), () => undefined);
  for (let question = 0; question < 2; question += 1) {
    expect(await provider.invoke?.("cutterhost:index:reachHost", { host: localAddress })).toEqual({
      outputs: { problem: expect.stringMatching(/^HOST_AUTH_REFUSED .*host=contabo → load the key that root of the host accepts/) },
    });
  }
  expect(attempts).toBe(1);
});

it("refuses what it does not know as a mistake of the program: a question, and a kind of resource", async () => {
  const provider = createProvider(
    createHostPool(() => Promise.resolve(toHost(""))),
    () => undefined,
  );
  await expect(provider.invoke?.("cutterhost:index:nothing", {})).rejects.toThrow(/^RESOURCE_INVALID .*token=cutterhost:index:nothing/);
  const urn = "urn:pulumi:s::cutter-kit::cutterhost:index:Nothing::x";
  await expect(provider.read?.("x", urn, { host: localAddress })).rejects.toThrow(/^RESOURCE_INVALID .*type=\S*Nothing/);
});

it("of several hosts, takes what the state says of one that is away as it is, and changes nothing there", async () => {
  const provider = createProvider(
    createHostPool(() => Promise.reject(new CutterError("HOST_UNREACHABLE", { host: "local" }))),
    () => undefined,
  );
  const urn = "urn:pulumi:s::cutter-kit::cutterhost:index:Directory::local/opt/x";
  const state = { host: localAddress, adopt: false, path: "/opt/x", mode: "0755", owner: "root", group: "root", keep: false };
  await expect(provider.read?.("/opt/x", urn, state)).rejects.toThrow(/^HOST_UNREACHABLE /);
  expect(await provider.invoke?.("cutterhost:index:reachHost", { host: localAddress, goOnWithout: true })).toMatchObject({
    outputs: { problem: expect.stringMatching(/^HOST_UNREACHABLE /) },
  });
  expect(await provider.read?.("/opt/x", urn, state)).toEqual({ id: "/opt/x", props: state, inputs: state });
  await expect(provider.update?.("/opt/x", urn, state, { ...state, mode: "0700" })).rejects.toThrow(/^HOST_UNREACHABLE /);
});
