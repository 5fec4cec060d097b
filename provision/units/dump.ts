// cutter-dump.socket and cutter-dump@.service: pg_dump and pg_restore of the server's own version, for the user cutter and nobody else.
import { basename } from "node:path";
import { confinement, dangerousVariables } from "../../orchestrator/core/host/confinement.ts";
import { cutterUser, hostLayout } from "../../orchestrator/core/host/layout.ts";
import { toUnitText } from "./section.ts";

/** Only root and cutter can open the socket; what may be asked is checked by the helper behind it. */
export function dumpSocketText(): string {
  return toUnitText("The run's way to pg_dump.", {
    Unit: { Description: "cutter: pg_dump for the run" },
    Socket: {
      ListenStream: hostLayout.dumpSocket,
      SocketUser: "root",
      SocketGroup: cutterUser,
      SocketMode: "0660",
      DirectoryMode: "0755",
      Accept: "yes",
      MaxConnections: "4",
      RemoveOnStop: "yes",
    },
    Install: { WantedBy: "sockets.target" },
  });
}

/**
 * Root, because the Docker socket is root's. One connection, one request, fixed arguments. A stall ends after the timeout, with the
 * connection.
 */
export function dumpServiceText(): string {
  return toUnitText("One pg_dump, or one look into what it gave out, for the run.", {
    Unit: { Description: "cutter: one request to pg_dump or pg_restore", CollectMode: "inactive-or-failed" },
    Service: {
      Type: "simple",
      ExecStart: `${hostLayout.current}/bin/cutter-root stream-dump`,
      StandardInput: "socket",
      StandardOutput: "socket",
      StandardError: "journal",
      RuntimeMaxSec: "30min",
      WorkingDirectory: "/",
      SyslogIdentifier: "cutter-dump",
      UnsetEnvironment: dangerousVariables,
      ...confinement,
      CapabilityBoundingSet: "CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH",
      ReadWritePaths: hostLayout.credentials,
      RuntimeDirectory: basename(hostLayout.emittedDumps),
      RuntimeDirectoryMode: "0700",
      RuntimeDirectoryPreserve: "yes",
      RestrictAddressFamilies: "AF_UNIX AF_INET AF_INET6",
      IPAddressDeny: "any",
      IPAddressAllow: "localhost",
      SystemCallFilter: "@system-service",
    },
  });
}
