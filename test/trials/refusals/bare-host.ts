// Hosts that the kit never saw, on which something of the same name stands already, or for which there is no release.
import { onHost } from "../../support/e2e.ts";
import { pulumi, up } from "../../support/stack.ts";
import { withStackConfig, type RefusalTrial } from "../../support/trials/refusal.ts";

const aside = "/root/cutter-trial-aside";

/** Code, config and units destroyed, and what a destroy keeps moved aside; afterwards everything is brought back and up repairs the rest. */
export async function withBareHost<Result>(work: () => Promise<Result>): Promise<Result> {
  const destroyed = await pulumi("destroy", "--yes", "--skip-preview");
  if (destroyed.code !== 0) throw new Error(`the destroy failed:\n${destroyed.output}`);
  await onHost(`set -e; mkdir -p ${aside}; for place in /etc/cutter /var/lib/cutter /var/lib/cutter-ledger; do mv -T "$place" "${aside}/$(echo $place | tr / _)"; done
getent passwd cutter > ${aside}/passwd; getent group cutter > ${aside}/group; userdel cutter; ! getent group cutter >/dev/null || groupdel cutter`);
  try {
    return await work();
  } finally {
    await bringBack();
  }
}

async function bringBack(): Promise<void> {
  await onHost(`rm -rf /etc/cutter /var/lib/cutter /var/lib/cutter-ledger /opt/cutter; userdel cutter 2>/dev/null; groupdel cutter 2>/dev/null
cat ${aside}/group >> /etc/group; cat ${aside}/passwd >> /etc/passwd; for place in /etc/cutter /var/lib/cutter /var/lib/cutter-ledger; do mv -T "${aside}/$(echo $place | tr / _)" "$place"; done; rm -rf ${aside}`);
  const { code, output } = await up();
  if (code !== 0) throw new Error(`the up afterwards failed:\n${output}`);
}

const foreign = (name: string, places: readonly string[], make: string): RefusalTrial => ({
  name,
  code: "FOREIGN_FILE",
  says: ["host=sandbox", ...places, "cutter-kit:adopt"],
  make: async () => {
    await onHost(make);
    return async () => void (await onHost(`rm -rf ${places.join(" ")}`));
  },
});

const env = "/opt/incomex/docker/.env";

export const bareHostRefusals: readonly RefusalTrial[] = [
  foreign(
    "a foreign /var/lib/cutter that is not adopted",
    ["/var/lib/cutter"],
    "mkdir -p /var/lib/cutter/runs; echo somebody > /var/lib/cutter/runs/notes",
  ),
  {
    name: "another backup fingerprint in the env file",
    code: "ENV_LINE_FOREIGN",
    says: ["host=sandbox", "/opt/incomex/docker/.env#BACKUP_GPG_FPR"],
    make: async () => {
      await onHost(`cp -a ${env} ${env}.trial; echo BACKUP_GPG_FPR=${"0".repeat(40)} >> ${env}`);
      return async () => void (await onHost(`mv -T ${env}.trial ${env}`));
    },
  },
  {
    name: "a pinned release that is nowhere",
    code: "RELEASE_MISSING",
    says: ["host=sandbox", "release=0.6.0-000000000000", "npm run build"],
    make: () => withStackConfig({ "cutter-kit:release": "0.6.0-000000000000" }),
  },
  foreign(
    "an old cutter at /opt/cutter and its command",
    ["/opt/cutter", "/usr/local/bin/cutter"],
    "mkdir -p /opt/cutter/bin; echo old > /opt/cutter/bin/cutter; ln -s /opt/cutter/bin/cutter /usr/local/bin/cutter",
  ),
];
