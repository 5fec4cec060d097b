// The /30 of a checkout's sandbox: derived from the checkout's path, moved on when something on this machine has it already.
import { CutterError } from "../../../orchestrator/core/errors.ts";

/** Two usable addresses: ours on the outer end of the veth, the host's on the inner end. */
export interface Subnet {
  readonly outer: string;
  readonly host: string;
  readonly prefixLength: 30;
}

/** An IPv4 network that is in use: address and prefix length in bits. */
export interface UsedNetwork {
  readonly address: string;
  readonly prefixLength: number;
}

const firstNetwork = toNumber("10.128.0.0");
const networkCount = 2 ** 21; // all /30 of 10.128.0.0/9: clear of Docker's 172.16/12 and of the usual 10.0 networks
const tryLimit = 4096;

/**
 * The first free /30, starting at the one the seed names. Pure.
 * @throws SANDBOX_NO_SUBNET when `tryLimit` candidates in a row are in use (a default route does not count as use).
 */
export function deriveSubnet(seed: Uint8Array, used: readonly UsedNetwork[]): Subnet {
  const start = Buffer.from(seed).readUInt32BE(4) % networkCount;
  const taken = used.filter((network) => network.prefixLength > 0);
  for (let step = 0; step < tryLimit; step++) {
    const base = firstNetwork + ((start + step) % networkCount) * 4;
    if (taken.some((network) => overlaps(base, network))) continue;
    return { outer: toAddress(base + 1), host: toAddress(base + 2), prefixLength: 30 };
  }
  throw new CutterError("SANDBOX_NO_SUBNET", { tried: tryLimit });
}

/** What `ip -j -4 address` and `ip -j -4 route` say is in use. `default` routes are left out. */
export function parseUsedNetworks(addressJson: string, routeJson: string): readonly UsedNetwork[] {
  const addresses = (
    JSON.parse(addressJson) as readonly { readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[] }[]
  )
    .flatMap((link) => link.addr_info ?? [])
    .flatMap(({ local, prefixlen }) =>
      local !== undefined && prefixlen !== undefined ? [{ address: local, prefixLength: prefixlen }] : [],
    );
  const routes = (JSON.parse(routeJson) as readonly { readonly dst?: string }[]).flatMap(({ dst }) => {
    if (dst === undefined || dst === "default") return [];
    const [address = "", bits = "32"] = dst.split("/");
    return [{ address, prefixLength: Number(bits) }];
  });
  return [...addresses, ...routes];
}

function overlaps(base: number, network: UsedNetwork): boolean {
  const size = 2 ** (32 - Math.min(network.prefixLength, 30));
  return Math.floor(base / size) === Math.floor(toNumber(network.address) / size);
}

function toNumber(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}
