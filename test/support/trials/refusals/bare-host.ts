// Hosts that the kit never saw, on which something of the same name stands already, or for which there is no release.
import { onHost } from "../../e2e.ts";
import { withStackConfig, type RefusalTrial } from "../refusal.ts";

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
