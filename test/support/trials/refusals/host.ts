// Hosts and releases that are refused on a host that is otherwise ready.
import { appendFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { create } from "tar";
import { buildRelease } from "../../../../deploy/build.ts";
import { alterRelease, dropAlteredRelease } from "../../altered-release.ts";
import { onHost } from "../../e2e.ts";
import { withStackConfig, type RefusalTrial } from "../refusal.ts";

const unfinished = "/var/lib/cutter/runs/trial-unfinished";
const fullFolder = "/run/cutter-trial-full";

/** Runs on the host now; the other commands are the way back. */
async function onHostUntil(make: string, undo: string): Promise<() => Promise<void>> {
  await onHost(`set -e; ${make}`);
  return async () => void (await onHost(undo));
}

/** A release of its own is pinned; `spoil` may change what its archive holds. */
async function withRelease(
  spoil: (name: string, releases: string) => Promise<void>,
): Promise<{ readonly name: string; readonly undo: () => Promise<void> }> {
  const name = await alterRelease("cutter", `: ${Math.random()}`);
  await spoil(name, dirname((await buildRelease()).directory));
  const restore = withStackConfig({ "cutter-kit:release": name });
  return {
    name,
    undo: async () => {
      restore();
      await dropAlteredRelease(name);
    },
  };
}

/** A file system with a few free pages over `folder`, which shows what it showed. */
const fillOver = (folder: string) =>
  onHostUntil(
    `mkdir -p ${fullFolder}; cp -a ${folder}/. ${fullFolder}; mode=$(stat -c %a ${folder})
mount -t tmpfs -o size=64k,mode=0$mode tmpfs ${folder}; cp -a ${fullFolder}/. ${folder}; head -c 100000 /dev/zero > ${folder}/filler 2>/dev/null || :`,
    `umount ${folder}; rm -rf ${fullFolder}`,
  );

/** The releases on a file system too small for one more; the current one shines through. */
const smallReleases = (options: string) =>
  onHostUntil(
    `now=$(basename "$(readlink /opt/cutter/current)"); mkdir -p ${fullFolder}; mount --bind /opt/cutter/releases/$now ${fullFolder}
mount -t tmpfs -o ${options},mode=0755 tmpfs /opt/cutter/releases; mkdir /opt/cutter/releases/$now; mount --bind ${fullFolder} /opt/cutter/releases/$now`,
    `for mounted in /opt/cutter/releases/* /opt/cutter/releases ${fullFolder}; do mountpoint -q $mounted && umount $mounted; ` +
      `done; rmdir ${fullFolder}`,
  );

const diskFullOfRelease = (name: string, options: string): RefusalTrial => ({
  name,
  code: "HOST_DISK_FULL",
  says: ["host=sandbox", "resource=/opt/cutter/releases/0.6.0-"],
  make: async () => {
    const release = await withRelease(() => Promise.resolve());
    const unmount = await smallReleases(options);
    return async () => {
      await unmount();
      await release.undo();
    };
  },
});

export const hostRefusals: readonly RefusalTrial[] = [
  {
    name: "an unfinished live run",
    code: "UNFINISHED_LIVE_RUN",
    says: ["host=sandbox", "runs=trial-unfinished"],
    make: () =>
      onHostUntil(
        `install -d -m 0700 -o cutter -g cutter ${unfinished}; printf '%s\\n' '{"kind":"run_started","mode":"live"}' ` +
          `'{"kind":"transaction"}' > ${unfinished}/journal.jsonl`,
        `rm -rf ${unfinished}`,
      ),
  },
  {
    name: "a foreign cutter in the place of ours",
    code: "FOREIGN_FILE",
    says: ["path=/usr/local/bin/cutter"],
    make: () =>
      onHostUntil(
        "mv /usr/local/bin/cutter /run/cutter-trial-link; printf '#!/bin/sh\\necho old\\n' > /usr/local/bin/cutter; chmod 0755 " +
          "/usr/local/bin/cutter",
        "mv -T /run/cutter-trial-link /usr/local/bin/cutter",
      ),
  },
  {
    name: "a release whose bytes are not its manifest's",
    code: "RELEASE_REFUSED",
    says: ["host=sandbox", "damage=", "bin/cutter.mjs"],
    make: async () =>
      (
        await withRelease(async (name, releases) => {
          appendFileSync(join(releases, name, "bin/cutter.mjs"), "\n// planted\n");
          await create({ cwd: join(releases, name), file: join(releases, `${name}.tar.gz`), gzip: { level: 1 }, portable: true }, ["."]);
        })
      ).undo,
  },
  diskFullOfRelease("a disk full in the middle of a release", "size=20m"),
  diskFullOfRelease("no inode left in the middle of a release", "size=900m,nr_inodes=12"),
  {
    name: "a disk full at the upload of a file",
    code: "HOST_DISK_FULL",
    says: ["host=sandbox", "resource=/etc/cutter/keys/kb-ca.pem"],
    make: async () => {
      const drift = await onHostUntil(
        "cp -a /etc/cutter/keys/kb-ca.pem /run/cutter-trial-ca; echo >> /etc/cutter/keys/kb-ca.pem",
        "cp -a /run/cutter-trial-ca /etc/cutter/keys/kb-ca.pem; rm /run/cutter-trial-ca",
      );
      const unmount = await fillOver("/etc/cutter/keys");
      return async () => {
        await unmount();
        await drift();
      };
    },
  },
];
