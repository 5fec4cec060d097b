// Ways a person changes a ready host by hand, as data: the command, the steps a preview must name for it, and what of it must be shown.

export interface Damage {
  readonly name: string;
  /** Run on the host as root; "$canary" is a secret that must not show anywhere. */
  readonly command: string;
  /** As `readSteps` gives them: exactly these. */
  readonly steps: readonly string[];
  /** Each stands in what preview prints. */
  readonly shown: readonly string[];
  /** A file that up must have kept whole, aside: part of its name there. */
  readonly displaced?: string;
}

const units = "/etc/systemd/system";
const update = (kind: string, path: string) => [`update ${kind} sandbox${path}`];
const unit = (name: string) => update("Unit", `${units}/${name}`);
const dropIn = (folder: string, section: string) =>
  `mkdir -p ${folder} && printf '[%s]\n%s\n' ${section} "X-Note=$canary" >${folder}/90-local.conf && systemctl daemon-reload`;

const config = "/etc/cutter/orchestrator.yaml";
const envFile = "/opt/incomex/docker/.env";
const release = update("Release", "/opt/cutter/releases");
const envLine = `EnvLine sandbox${envFile}#BACKUP_GPG_FPR`;
const services = [
  "cutter-dump@",
  "cutter-kb",
  "cutter-prepare-revert@",
  "cutter-prepare@",
  "cutter-release-guard",
  "cutter-revert@",
  "cutter-run@",
].map((name) => `${name}.service`);

export const damages: readonly Damage[] = [
  {
    name: "directory removed",
    command: "rm -r /var/lib/cutter/locks",
    steps: ["create Directory sandbox/var/lib/cutter/locks"],
    shown: ["/var/lib/cutter/locks"],
  },
  {
    name: "mode of a directory changed",
    command: "chmod 0755 /var/lib/cutter/runs",
    steps: update("Directory", "/var/lib/cutter/runs"),
    shown: ["0755"],
  },
  {
    name: "owner of a directory changed",
    command: "chown cutter /etc/cutter/keys",
    steps: update("Directory", "/etc/cutter/keys"),
    shown: ["cutter"],
  },
  {
    name: "mode and owner of a file changed",
    command: `chmod 0666 ${config}; chown cutter ${config}`,
    steps: update("File", config),
    shown: ["0666"],
  },
  {
    name: "config edited",
    command: `sed -i "s/^run_hard_cap_minutes:.*/run_hard_cap_minutes: 61 # $canary/" ${config}`,
    steps: update("File", config),
    shown: ["run_hard_cap_minutes: 61 # [REDACTED]"],
  },
  {
    name: "config appended to",
    command: `echo "extra_password: $canary" >>${config}`,
    steps: update("File", config),
    shown: ["extra_password: [REDACTED]"],
  },
  { name: "config removed", command: `rm ${config}`, steps: [`create File sandbox${config}`], shown: [config] },
  {
    name: "unit edited",
    command:
      `sed -i "s/^NoNewPrivileges=.*/NoNewPrivileges=no\\nEnvironment=A=$canary/" ${units}/cutter-run@.service; systemctl ` +
      "daemon-reload",
    steps: unit("cutter-run@.service"),
    shown: ["NoNewPrivileges=no", "[REDACTED]"],
  },
  {
    name: "unit overridden by a drop-in",
    command: dropIn(`${units}/cutter-prepare@.service.d`, "Service"),
    steps: unit("cutter-prepare@.service"),
    shown: ["cutter-prepare@.service.d/90-local.conf"],
    displaced: "cutter-prepare@.service.d-90-local.conf",
  },
  {
    name: "one instance overridden by a drop-in",
    command: dropIn(`${units}/cutter-run@demo.service.d`, "Service"),
    steps: unit("cutter-run@.service"),
    shown: ["cutter-run@demo.service.d/90-local.conf"],
    displaced: "cutter-run@demo.service.d-90-local.conf",
  },
  {
    name: "all services of the kit overridden by a drop-in",
    command: dropIn(`${units}/cutter-.service.d`, "Service"),
    steps: services.flatMap(unit),
    shown: ["cutter-.service.d/90-local.conf"],
    displaced: "cutter-.service.d-90-local.conf",
  },
  {
    name: "unit overridden below /run/systemd/transient",
    command: dropIn("/run/systemd/transient/cutter-revert@.service.d", "Service"),
    steps: unit("cutter-revert@.service"),
    shown: ["transient/cutter-revert@.service.d/90-local.conf"],
    displaced: "transient-cutter-revert@.service.d-90-local.conf",
  },
  {
    name: "property of a unit set",
    command: "systemctl set-property cutter-kb.socket CPUWeight=50",
    steps: unit("cutter-kb.socket"),
    shown: ["system.control/cutter-kb.socket.d"],
    displaced: "CPUWeight.conf",
  },
  {
    name: "unit masked",
    command: `rm ${units}/cutter-kb.service; systemctl mask cutter-kb.service`,
    steps: unit("cutter-kb.service"),
    shown: [`${units}/cutter-kb.service`],
    displaced: "cutter-kb.service",
  },
  {
    name: "unit masked until the next boot",
    command: "ln -s /dev/null /run/systemd/system/cutter-dump@.service; systemctl daemon-reload",
    steps: unit("cutter-dump@.service"),
    shown: ["/run/systemd/system/cutter-dump@.service"],
    displaced: "run-systemd-system-cutter-dump@.service",
  },
  {
    name: "helper unit disabled",
    command: "systemctl disable --now -q cutter-dump.socket",
    steps: unit("cutter-dump.socket"),
    shown: ["disabled", "inactive"],
  },
  { name: "helper unit stopped", command: "systemctl stop cutter-kb.socket", steps: unit("cutter-kb.socket"), shown: ["inactive"] },
  {
    name: "guard of the release disabled",
    command: "systemctl disable -q cutter-release-guard.service",
    steps: unit("cutter-release-guard.service"),
    shown: ["disabled"],
  },
  {
    name: "runtime directories edited",
    command: 'echo "d /run/$canary 0777" >>/etc/tmpfiles.d/cutter.conf',
    steps: update("Unit", "/etc/tmpfiles.d/cutter.conf"),
    shown: ["[REDACTED]"],
  },
  {
    name: "key file replaced",
    command: '{ cat /etc/cutter/keys/architect.asc; echo "$canary"; } >/etc/cutter/keys/backup.asc',
    steps: update("KeyFile", "/etc/cutter/keys/backup.asc"),
    shown: ["[REDACTED]"],
  },
  {
    name: "key file removed",
    command: "rm /etc/cutter/keys/sovereign.asc",
    steps: ["create KeyFile sandbox/etc/cutter/keys/sovereign.asc"],
    shown: ["sovereign.asc"],
  },
  {
    name: "release file altered",
    command: 'echo "// $canary" >>/opt/cutter/current/bin/cutter.mjs',
    steps: release,
    shown: ["bin/cutter.mjs: content"],
  },
  {
    name: "file added to the release",
    command: 'echo "$canary" >/opt/cutter/current/bin/planted',
    steps: release,
    shown: ["bin/planted: not in the manifest"],
  },
  { name: "release moved away", command: "ln -sfn /root /opt/cutter/current", steps: release, shown: ["/root"] },
  {
    name: "symlink moved",
    command: "ln -sfn /bin/true /usr/local/bin/cutter",
    steps: update("Link", "/usr/local/bin/cutter"),
    shown: ["/bin/true"],
  },
  {
    name: "runbook altered",
    command: 'sed -i "1i -- $canary" /etc/cutter/rollback_runbook.sql',
    steps: update("File", "/etc/cutter/rollback_runbook.sql"),
    shown: ["-- [REDACTED]"],
  },
  {
    name: "env fingerprint doubled",
    command: `echo "BACKUP_GPG_FPR=$canary" >>${envFile}`,
    steps: [`update ${envLine}`],
    shown: ["(2 lines)"],
  },
  {
    name: "env fingerprint removed",
    command: `sed -i '/^BACKUP_GPG_FPR=/d' ${envFile}`,
    steps: [`create ${envLine}`],
    shown: ["BACKUP_GPG_FPR"],
  },
  {
    name: "folder of the releases removed",
    command: "rm -r /opt/cutter",
    steps: [
      "create Directory sandbox/opt/cutter",
      "create Directory sandbox/opt/cutter/releases",
      "create File sandbox/opt/cutter/release-switch.sh",
      "create Release sandbox/opt/cutter/releases",
    ],
    shown: ["/opt/cutter"],
  },
  {
    name: "env fingerprint changed",
    command: `sed -i "s/^BACKUP_GPG_FPR=.*/BACKUP_GPG_FPR=$canary/" ${envFile}`,
    steps: [`update ${envLine}`],
    shown: ["[REDACTED]"],
  },
];

/** A thing of another sort in the way of one of ours: refused by name, and left as it is. `cleared` takes it away, as its owner would. */
export const obstacles: readonly (Damage & { readonly path: string; readonly cleared: string })[] = [
  {
    name: "foreign file in the way of the link",
    path: "/usr/local/bin/cutter",
    command: 'rm /usr/local/bin/cutter; echo "$canary" >/usr/local/bin/cutter',
    steps: update("Link", "/usr/local/bin/cutter"),
    shown: ["a file"],
    cleared: "rm /usr/local/bin/cutter",
  },
  {
    name: "foreign directory in the way of the link to the current release",
    path: "/opt/cutter/current",
    command: 'rm /opt/cutter/current; mkdir /opt/cutter/current; echo "$canary" >/opt/cutter/current/note',
    steps: update("Release", "/opt/cutter/releases"),
    shown: ["a directory at /opt/cutter/current"],
    cleared: "rm -r /opt/cutter/current",
  },
  {
    name: "foreign directory in the way of the config",
    path: config,
    command: `rm ${config}; mkdir ${config}; echo "$canary" >${config}/note`,
    steps: update("File", config),
    shown: ["a directory"],
    cleared: `rm -r ${config}`,
  },
];
