// cutter-kb.socket and cutter-kb.service: bytes from a loopback port to the knowledge base, so that the run itself may talk to loopback
// only.
import { unprivileged } from "../../orchestrator/core/host/confinement.ts";
import { kbRelay } from "../../orchestrator/core/host/layout.ts";
import { toUnitText } from "./section.ts";

/** `host:port` of an https base URL; the port defaults to 443. */
export function toKbTarget(baseUrl: string): string {
  const { hostname, port } = new URL(baseUrl);
  return `${hostname}:${port === "" ? "443" : port}`;
}

export function kbSocketText(): string {
  return toUnitText("The run's way to the knowledge base.", {
    Unit: { Description: "cutter: loopback port to the knowledge base" },
    Socket: { ListenStream: `${kbRelay.address}:${kbRelay.port}` },
    Install: { WantedBy: "sockets.target" },
  });
}

/** It sees ciphertext only: the name and the CA of the knowledge base are checked by the orchestrator, end to end. */
export function kbServiceText(target: string): string {
  return toUnitText("The relay behind the loopback port.", {
    Unit: {
      Description: "cutter: relay to the knowledge base",
      Requires: "cutter-kb.socket",
      After: "cutter-kb.socket network-online.target",
      Wants: "network-online.target",
    },
    Service: {
      ExecStart: `/usr/lib/systemd/systemd-socket-proxyd --exit-idle-time=5min ${target}`,
      DynamicUser: "yes",
      SyslogIdentifier: "cutter-kb",
      ...unprivileged,
      MemoryDenyWriteExecute: "yes",
      RestrictAddressFamilies: "AF_INET AF_INET6 AF_UNIX",
      InaccessiblePaths: ["-/opt/incomex", "-/etc/cutter", "-/var/lib/cutter", "-/run/docker.sock"],
    },
  });
}
