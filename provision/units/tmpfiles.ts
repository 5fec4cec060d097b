// tmpfiles.d/cutter.conf: the directories under /run. They are on tmpfs, so a reboot disarms and forgets every secret without any code.
import { cutterUser, hostLayout } from "../../orchestrator/core/host/layout.ts";

export function tmpfilesText(): string {
  const lines = runtimeDirectories.map(({ path, mode, group }) => `d ${path} ${mode} root ${group} -`);
  return (
    ["# Directories of the run under /run. Installed by pulumi up; an edit here is drift and is put back.", ...lines].join("\n") + "\n"
  );
}

/** cutter reads tokens and results, and sees nothing of the credentials: systemd copies them for it. */
const runtimeDirectories = [
  { path: hostLayout.runtime, mode: "0755", group: "root" },
  { path: hostLayout.armed, mode: "0750", group: cutterUser },
  { path: hostLayout.live, mode: "0750", group: cutterUser },
  { path: hostLayout.results, mode: "0750", group: cutterUser },
  { path: hostLayout.incoming, mode: "0700", group: "root" },
  { path: hostLayout.revertStaging, mode: "0750", group: cutterUser },
  { path: hostLayout.revertResults, mode: "0750", group: cutterUser },
  { path: hostLayout.credentials, mode: "0700", group: "root" },
] as const;
