// The survey's key fingerprints on a host whose places for temporary files take nothing: told as that, never as a key that is none.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseHostFacts } from "../../../../orchestrator/core/host/facts.ts";
import { toGaps } from "../../../../orchestrator/core/gaps/gaps.ts";
import { noRulings } from "../../../../orchestrator/core/gaps/archived-rulings.ts";
import { createGpgHome } from "../../../support/gpg.ts";
import { exportKey } from "../../../support/approval-material.ts";

const script = readFileSync(join(import.meta.dirname, "../../../../orchestrator/root-helper/survey/host-facts.sh"), "utf8");

/** The facts in a mount namespace of their own, with these three places as given; the key file lies in none of them. */
function survey(mounts: Readonly<Record<"/run" | "/tmp" | "/dev/shm", string>>) {
  const keys = mkdtempSync("/var/tmp/cutter-keys-");
  const home = createGpgHome();
  try {
    const fingerprint = home.createKey("backup", { algorithm: "ed25519" });
    writeFileSync(join(keys, "backup.asc"), exportKey(home, fingerprint));
    const setUp = [
      "set -e",
      ...Object.entries(mounts).map(([place, options]) => `mount -t tmpfs -o ${options} tmpfs ${place}`),
      'set +e; exec sh -c "$1"',
    ].join("\n");
    const { stdout } = spawnSync("unshare", ["--mount", "sh", "-c", setUp, "sh", script.replaceAll("/etc/cutter/keys", keys)], {
      encoding: "utf8",
    });
    return { fingerprint, facts: parseHostFacts(stdout), keyFile: join(keys, "backup.asc") };
  } finally {
    home.remove();
    rmSync(keys, { recursive: true });
  }
}

it("looks in the next place where one is full or read-only", () => {
  const { facts, fingerprint, keyFile } = survey({ "/run": "size=4k", "/tmp": "ro", "/dev/shm": "size=8m" });
  expect(facts.keyFingerprints.get(keyFile)).toEqual([fingerprint]);
  expect(facts.gpgProblem).toBeNull();
});

it("tells the cause where no place is left, and GAP-3 names it in the place of the key", () => {
  const { facts } = survey({ "/run": "ro", "/tmp": "size=4k", "/dev/shm": "size=4k" });
  expect(facts.keyFingerprints.size).toBe(0);
  expect(facts.gpgProblem).toMatch(/\/dev\/shm\/.*No space left on device/);
  const gap = toGaps(
    {
      ...facts,
      env: [{ file: "/opt/incomex/docker/.env", name: "BACKUP_GPG_FPR", lines: 1, plain: 1, withEquals: 0 }],
      backupFingerprints: [{ file: "/opt/incomex/docker/.env", fingerprint: "A".repeat(40) }],
    },
    noRulings,
  ).find(({ id }) => id === "GAP-3");
  expect(gap?.evidence.join("\n")).toContain("backup.asc was not looked at: gpg found no place for its home on the host (");
  expect(gap?.evidence.join("\n")).not.toContain("holds no readable key");
});
