// Codes of the sandbox and the toolchain.
import type { CodeEntry } from "./entry.ts";

export const sandboxCodes = {
  SANDBOX_NOT_UP: { summary: "there is no running sandbox for this checkout", remedy: "npm run sandbox -- up", exit: 10 },
  SANDBOX_MACHINE_UNFIT: {
    summary: "this machine cannot boot the sandbox: reason says why (not_linux, not_root, program_missing, overlayfs)",
    remedy:
      "as root on a Debian machine (x86-64), with the checkout on ext4, xfs or btrfs: apt-get install mmdebstrap " +
      "systemd-container iproute2 gnupg openssl openssh-client util-linux; unit tests and everything offline work without",
    exit: 10,
  },
  SANDBOX_NO_SUBNET: {
    summary: "no free network was found for the sandbox",
    remedy: "look at ip address and ip route; take sandboxes of other checkouts down",
    exit: 10,
  },
  SANDBOX_STEP_FAILED: {
    summary: "a step of the sandbox failed or did not become ready in time, or its state file is not what up writes",
    remedy: "read what it said, and .sandbox/console.log; npm run sandbox -- down, then up, starts from the cache",
    exit: 10,
  },
  SANDBOX_BUSY: { summary: "another command is making or removing this sandbox", remedy: "wait until it has ended", exit: 10 },
  SANDBOX_SUITE_DIFFERS: {
    summary: "the sandbox is already up with another suite",
    remedy: "npm run sandbox -- down, then up with the suite you want",
    exit: 10,
  },
} as const satisfies Record<string, CodeEntry>;
