// What the first preview of a new stack asks before anything is there to be refreshed: does this host let us in?
import { expect, it } from "vitest";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import type { RemoteHost } from "../../../provision/host/connection.ts";
import { createHostPool } from "../../../provision/host/pool.ts";
import { createProvider } from "../../../provision/provider/provider.ts";
import { localAddress } from "../../support/local-host.ts";

const host: RemoteHost = { address: localAddress, isOpen: () => true, run: () => Promise.reject(new Error("nothing is to be run")), close: () => undefined };

it("says nothing of a host that lets us in", async () => {
  const provider = createProvider(createHostPool(() => Promise.resolve(host)), () => undefined);
  expect(await provider.invoke?.("cutterhost:index:reachHost", { host: localAddress })).toEqual({ outputs: { problem: null } });
});

it("gives code and remedy of a refusal, and does not knock again for the next question", async () => {
  let attempts = 0;
  const refuse = () => ((attempts += 1), Promise.reject(new CutterError("HOST_AUTH_REFUSED", { host: "contabo" })));
  const provider = createProvider(createHostPool(refuse), () => undefined);
  for (let question = 0; question < 2; question += 1) {
    expect(await provider.invoke?.("cutterhost:index:reachHost", { host: localAddress })).toEqual({ outputs: { problem: expect.stringMatching(/^HOST_AUTH_REFUSED .*host=contabo → load the operator's key into the agent/) } });
  }
  expect(attempts).toBe(1);
});
