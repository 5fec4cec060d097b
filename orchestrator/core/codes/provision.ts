// Codes of the kit: connection, provider, release, stack.
import type { CodeEntry } from "./entry.ts";

export const provisionCodes = {
  STACK_CONFIG_INVALID: {
    summary: "the stack config does not fit its schema",
    remedy:
      "mend the named keys in Pulumi.<stack>.yaml; Pulumi.contabo.example.yaml shows each, with a comment that says what belongs there",
    exit: 78,
  },
  STACK_NOT_CHOSEN: {
    summary: "no stack is named, and this checkout does not have exactly one",
    remedy:
      "name one of those found: --stack S; if none is found: npm run sandbox -- up makes the stack sandbox, and for a host of your own " +
      "copy Pulumi.contabo.example.yaml to Pulumi.contabo.yaml and fill it in",
    exit: 78,
  },
  SSH_AGENT_MISSING: {
    summary: "there is no ssh-agent to authenticate with, or not the key that is needed in it; the host was not asked",
    remedy:
      "ssh-add -l tells what the agent holds: ssh-add the operator's key; without an agent, first start one in this shell: " +
      'eval "$(ssh-agent)"',
    exit: 10,
  },
  HOST_UNREACHABLE: {
    summary: "no SSH connection to the host",
    remedy:
      "check cutter-kit:host and cutter-kit:port and that sshd answers; nothing was changed; where the named address is an old " +
      "one, the host moved: pulumi up --refresh=false once",
    exit: 10,
  },
  HOST_AUTH_REFUSED: {
    summary: "the host refused the keys of the ssh-agent",
    remedy:
      "load the key that root of the host accepts into the agent; where it is there among many, name it: cutter-kit:agentKey, as " +
      "ssh-add -l prints its SHA256; each key was tried once and none again, so that the host does not lock this address out",
    exit: 10,
  },
  HOST_KEY_MISMATCH: {
    summary: "the host shows another SSH key than the pinned one",
    remedy:
      "do not go on; read the host's key over a line you trust (cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub on its console); only " +
      "if the host was installed anew, pin it as cutter-kit:hostKey, with the machine's new cutter-kit:machineIdentity, then pulumi up " +
      "--refresh=false until it ends with 0, because state names the machine before",
    exit: 10,
  },
  HOST_IDENTITY_MISMATCH: {
    summary: "this is another machine than the stack expects",
    remedy:
      "check cutter-kit:host; if this is the machine that is meant (its machine-id changed, or it was installed anew), pin its identity " +
      "as cutter-kit:machineIdentity (printf 'cutter:%s' \"$(cat /etc/machine-id)\" | sha256sum on its console), then pulumi up " +
      "--refresh=false until it ends with 0, because state names the machine before; nothing is removed from that one",
    exit: 10,
  },
  HOST_SHELL_UNFIT: {
    summary: "root's shell on the host does not run what it is given; nothing was changed",
    remedy:
      "ssh root@HOST 'exec sh -c \"echo ok\"' must print ok; look at root's shell in /etc/passwd (sh, bash, zsh, ksh and fish will do, " +
      "csh will not), at its .bashrc, and for command= in its authorized_keys",
    exit: 10,
  },
  HOST_COMMAND_FAILED: {
    summary: "a step on the host failed",
    remedy: "read its output, mend the cause and run pulumi up again",
    exit: 10,
  },
  HOST_DISK_FULL: {
    summary: "a disk of the host does not take what is to be written: it is full, over a quota, read-only or failing",
    remedy:
      "ENOSPC and EDQUOT: make room where the named path or resource lies (df -h and df -i tell); EROFS and EIO: dmesg on the host " +
      "tells why; then run pulumi up again; what stood there before still stands there",
    exit: 10,
  },
  HOST_OUTCOME_UNKNOWN: {
    summary: "the connection was lost and the host does not show what was asked for",
    remedy: "run pulumi up again: it reads the host first and repairs what is missing",
    exit: 10,
  },
  HOST_NOT_AS_WRITTEN: {
    summary: "what was just written reads back differently",
    remedy: "something else changes this path on the host; find it, then run pulumi up again",
    exit: 10,
  },
  FOREIGN_FILE: {
    summary: "a file that is not the kit's stands in its way",
    remedy:
      "look at it and move it away yourself, or list it in cutter-kit:adopt if the kit may take it over; what it does not own " +
      "it never overwrites",
    exit: 10,
  },
  FOREIGN_ACCOUNT: {
    summary: "a user or group of this name exists and is not the kit's",
    remedy: "look at it; if it may be used, list it in cutter-kit:adopt as user:NAME or group:NAME",
    exit: 10,
  },
  CLAIMED_BY_OTHER_STACK: {
    summary: "what is to be removed is claimed by another stack, so it stays",
    remedy:
      "if this stack was renamed, run pulumi up first: it claims everything under the new name; if another stack took the host " +
      "over, forget it here: pulumi stack rm --force",
    exit: 10,
  },
  ENV_FILE_UNFIT: {
    summary: "the env file cannot be edited safely",
    remedy: "mend the named line by hand; every other byte of the file is left alone",
    exit: 10,
  },
  ENV_LINE_FOREIGN: {
    summary: "the env file holds another value for this name, and not from the kit",
    remedy: "compare both values with the owner of the host; remove the line or pin its value, then run pulumi up again",
    exit: 10,
  },
  RELEASE_MISSING: {
    summary: "the release is neither built here nor on the host",
    remedy: "npm run build, or set cutter-kit:release to one that stands in /opt/cutter/releases",
    exit: 10,
  },
  RELEASE_REFUSED: {
    summary: "the release on the host is not what its manifest says",
    remedy:
      "nothing was switched and nothing of it kept; remove it from .build/releases, npm run build and pulumi up; if it " +
      "persists look for what writes to /opt/cutter/releases",
    exit: 10,
  },
  RELEASE_UNHEALTHY: {
    summary: "the new release does not work on this host; the host is back on the release before it",
    remedy:
      "read what it said, then mend it and run pulumi up again, or pin a good one in cutter-kit:release: ls " +
      "/opt/cutter/releases shows them",
    exit: 10,
  },
  RELEASE_UNCONFIRMED: {
    summary: "the new release was switched to, but no fresh connection could prove it healthy",
    remedy: "the host goes back by itself in the named time; see why it lets nobody in, then run pulumi up again",
    exit: 10,
  },
  RELEASE_REVERTED: {
    summary: "the host went back from a release by itself, because nobody confirmed it in time",
    remedy:
      "look at journalctl -u cutter-release-guard on the host; pulumi up tries the wanted release again, or pin a good one in " +
      "cutter-kit:release",
    exit: 10,
  },
  RESOURCE_INVALID: {
    summary: "a resource's inputs do not fit its schema",
    remedy: "this is a mistake in the program under provision/components",
    exit: 70,
  },
  RUN_OUTCOME_UNKNOWN: {
    summary: "how the run ended was not seen",
    remedy:
      "reason=line_broke and still_going_on: it goes on without you, and runbooks/start-run --run-id R joins it; no_result: it ended and " +
      "could not tell how, cutter orchestrate explain --run-id R on the host says what stands",
    exit: 30,
  },
  TOOLCHAIN_MISSING: {
    summary: "the packages of this checkout are not installed, or not all of them",
    remedy: "npm run doctor, in the checkout; the first time it takes minutes",
    exit: 78,
  },
  PULUMI_PASSPHRASE_MISSING: {
    summary: "the file with the passphrase of the state is not there",
    remedy: "put the copy of the file back where it stood; if there is no copy: README, When something is lost, The passphrase is lost",
    exit: 78,
  },
  PULUMI_ENGINE_MISSING: {
    summary: "the Pulumi engine is not in the cache",
    remedy: "npm run doctor, which copies your own pulumi of the right version, else builds it by Go, or names what it misses",
    exit: 10,
  },
} as const satisfies Record<string, CodeEntry>;
