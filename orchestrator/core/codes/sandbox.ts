// Codes of the sandbox and the toolchain.
import type { CodeEntry } from "./entry.ts";

export const sandboxCodes = {
  SANDBOX_NOT_UP: { summary: "there is no running sandbox for this checkout", remedy: "npm run sandbox -- up", exit: 10 },
  SANDBOX_NOT_ROOT: {
    summary: "the sandbox boots a container with its own systemd and Docker, which only root can do",
    remedy: "run it as root; unit tests and everything offline still work",
    exit: 10,
  },
  SANDBOX_NOT_LINUX: {
    summary: "the sandbox needs Linux on x86-64",
    remedy: "run it on a Debian machine; unit tests and everything offline still work",
    exit: 10,
  },
  SANDBOX_TOOL_MISSING: {
    summary: "a program the sandbox needs is not installed",
    remedy: "as root: apt-get install mmdebstrap systemd-container iproute2 gnupg openssl openssh-client util-linux",
    exit: 10,
  },
  SANDBOX_ON_OVERLAYFS: {
    summary: "the checkout lies on overlayfs, on which Docker inside the sandbox cannot run",
    remedy: "put the checkout on an ext4, xfs or btrfs file system",
    exit: 10,
  },
  SANDBOX_NO_SUBNET: {
    summary: "no free network was found for the sandbox",
    remedy: "look at ip address and ip route; take sandboxes of other checkouts down",
    exit: 10,
  },
  SANDBOX_STEP_FAILED: {
    summary: "a step of the sandbox failed",
    remedy: "read what it said; npm run sandbox -- down, then up, starts from the cache",
    exit: 10,
  },
  SANDBOX_NOT_READY: {
    summary: "the sandbox did not become ready in time",
    remedy: "npm run sandbox -- status; the console is in .sandbox/console.log",
    exit: 10,
  },
  SANDBOX_BUSY: { summary: "another command is making or removing this sandbox", remedy: "wait until it has ended", exit: 10 },
  SANDBOX_SUITE_DIFFERS: {
    summary: "the sandbox is already up with another suite",
    remedy: "npm run sandbox -- down, then up with the suite you want",
    exit: 10,
  },
  SANDBOX_STATE_INVALID: {
    summary: "the state file of the sandbox is not what up writes",
    remedy: "npm run sandbox -- down, then up",
    exit: 10,
  },
  SANDBOX_DOCUMENT_REFUSED: {
    summary: "the document cannot be added",
    remedy: "give a readable UTF-8 file of at least one byte and a legal knowledge base id",
    exit: 2,
  },
} as const satisfies Record<string, CodeEntry>;
