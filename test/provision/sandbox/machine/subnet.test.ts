// The subnet of a checkout: stable, its own, and never one that is in use.
import { assert, integer, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { checkoutDigest, toSandboxPaths } from "../../../../provision/sandbox/base/paths.ts";
import { deriveSubnet, parseUsedNetworks, type UsedNetwork } from "../../../../provision/sandbox/machine/subnet.ts";

const toNumber = (address: string) => address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);

describe("the subnet of a sandbox", () => {
  it("is the same for the same checkout and another for another", () => {
    const first = deriveSubnet(checkoutDigest("/srv/one"), []);
    expect(deriveSubnet(checkoutDigest("/srv/one"), [])).toEqual(first);
    expect(deriveSubnet(checkoutDigest("/srv/two"), [])).not.toEqual(first);
  });

  it("lies in 10.128.0.0/9, with the two usable addresses of one /30", () => {
    assert(
      property(string(), (checkout) => {
        const { outer, host } = deriveSubnet(checkoutDigest(checkout), []);
        const base = toNumber(outer) - 1;
        expect(base % 4).toBe(0);
        expect(toNumber(host)).toBe(base + 2);
        expect(base).toBeGreaterThanOrEqual(toNumber("10.128.0.0"));
        expect(base).toBeLessThanOrEqual(toNumber("10.255.255.252"));
      }),
    );
  });

  it("moves on when anything on the machine overlaps it, from either side", () => {
    assert(
      property(string(), integer({ min: 20, max: 32 }), (checkout, prefixLength) => {
        const wanted = deriveSubnet(checkoutDigest(checkout), []);
        const used: UsedNetwork[] = [{ address: wanted.host, prefixLength }];
        const found = deriveSubnet(checkoutDigest(checkout), used);
        const size = 2 ** (32 - Math.min(prefixLength, 30));
        expect(Math.floor(toNumber(found.host) / size)).not.toBe(Math.floor(toNumber(wanted.host) / size));
      }),
    );
  });

  it("refuses when nothing near is free", () => {
    expect(() => deriveSubnet(checkoutDigest("/srv/one"), [{ address: "10.128.0.0", prefixLength: 9 }])).toThrow(/SANDBOX_NO_SUBNET/);
  });

  it("takes a default route for no use, and host routes and networks for use", () => {
    const addresses = JSON.stringify([{ ifname: "lo", addr_info: [{ local: "127.0.0.1", prefixlen: 8 }] }, { ifname: "down" }]);
    const routes = JSON.stringify([{ dst: "default" }, { dst: "10.1.2.0/24" }, { dst: "10.9.9.9" }]);
    expect(parseUsedNetworks(addresses, routes)).toEqual([
      { address: "127.0.0.1", prefixLength: 8 },
      { address: "10.1.2.0", prefixLength: 24 },
      { address: "10.9.9.9", prefixLength: 32 },
    ]);
  });
});

describe("the place of a sandbox", () => {
  it("has an interface name Linux accepts and a socket path under 108 bytes, however deep the checkout is", () => {
    const place = toSandboxPaths(`/srv/${"deep/".repeat(60)}checkout`);
    expect(place.outerInterface.length).toBeLessThanOrEqual(15);
    expect(place.agentSocket.length).toBeLessThan(108);
  });
});
