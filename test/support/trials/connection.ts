// The line to the sandbox host, to be broken: a cutting proxy leads to a second sshd there, which logs everything and can hold one command.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readSandboxState } from "../../../provision/sandbox/state/state.ts";
import { startFaultProxy, type FaultProxy } from "../hosts/fault-proxy.ts";
import { checkout, onHost } from "../e2e.ts";

const folder = "/run/cutter-line";
const unit = "cutter-line-sshd";
const port = 2222;
const stackFile = join(checkout, "Pulumi.sandbox.yaml");

/** Before: it reached the host and nothing ran. During: its job has started. After: it has ended and its answer is on the way. */
export type Point = "before" | "during" | "after";

/** How the host's sshd differs from the real one; nothing given: not at all. */
export interface ServerFault {
  readonly hostKey?: "another";
  readonly machineIdentity?: "another";
  readonly authorizedKeys?: "none";
  readonly unreachable?: boolean; // packets to it vanish
  readonly maxSessions?: number; // on one connection
}

export interface TrialConnection {
  readonly proxy: FaultProxy;
  /**
   * The nth command that holds `pattern` stops at `point` until `goOn` or `drop`. For "during" the pattern is part of the unit's name:
   * cutter-job-KIND-.
   */
  hold(point: Point, pattern: string, nth?: number): Promise<void>;
  untilHeld(): Promise<void>;
  /** The kit has come back and asked for the outcome of a job. */
  untilAsked(): Promise<void>;
  resume(): Promise<void>;
  /** Nothing is held any more, and nothing of it is left on the host. */
  clear(): Promise<void>;
  /** The held command ends without having run: the request was lost. */
  drop(): Promise<void>;
  /** sshd's own words, and the commands it was given, since the last `restart` or `hold`. */
  readLog(): Promise<string>;
  readCommands(): Promise<readonly string[]>;
  /** sshd anew, with an empty log. */
  restart(oddity?: ServerFault): Promise<void>;
  /** While `work` goes on the stack's config names the line; state keeps what an up recorded meanwhile. */
  whileUsed<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Nothing of the line is left on the host. */
  close(): Promise<void>;
}

const host = async (commandLine: string, input?: string): Promise<string> => {
  const { code, stdout, stderr } = await onHost(commandLine, input);
  if (code !== 0) throw new Error(`on the host: ${commandLine.slice(0, 200)} ended with ${code}: ${stderr}`);
  return stdout;
};

export async function openTrialConnection(): Promise<TrialConnection> {
  const { address } = readSandboxState(checkout);
  const proxy = await startFaultProxy(port, address);
  await host(
    `rm -rf ${folder}; mkdir -m 0755 ${folder}; ssh-keygen -q -t ed25519 -N '' -f ${folder}/other_key; tr 0-9a-f 1-9a-f0 ` +
      `</etc/machine-id >${folder}/other-machine-id; cat >${folder}/gate; chmod 0755 ${folder}/gate`,
    readFileSync(join(import.meta.dirname, "connection-gate.sh"), "utf8"),
  );
  const unhold =
    `rm -rf ${folder}/plan ${folder}/seen ${folder}/held ${folder}/go ${folder}/drop ${folder}/reread ${folder}/commands ` +
    `/run/systemd/system/cutter-job-*.service.d; : >${folder}/sshd.log; : >${folder}/commands`;
  const letIn = `while iptables -D INPUT -p tcp --dport ${port} -j DROP 2>/dev/null; do :; done`;
  const stopSshd = `${letIn}; systemctl stop ${unit}.service 2>/dev/null || :; systemctl reset-failed ${unit}.service 2>/dev/null || :`;
  const restart = async ({ hostKey, machineIdentity, authorizedKeys, unreachable, maxSessions }: ServerFault = {}): Promise<void> => {
    proxy.cutAll();
    proxy.pass();
    const config = [
      "LogLevel VERBOSE",
      "PermitRootLogin prohibit-password",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "UsePAM yes",
      "UseDNS no",
      "PidFile none",
      `HostKey ${hostKey === undefined ? "/etc/ssh/ssh_host_ed25519_key" : `${folder}/other_key`}`,
      ...(authorizedKeys === undefined ? [] : ["AuthorizedKeysFile none"]),
      ...(maxSessions === undefined ? [] : [`MaxSessions ${maxSessions}`]),
      `ForceCommand ${folder}/gate`,
    ];
    const elsewhere = machineIdentity === undefined ? "" : `-p BindReadOnlyPaths=${folder}/other-machine-id:/etc/machine-id`;
    await host(
      `${stopSshd}; ${unhold}; cat >${folder}/sshd_config; grep -hs ^PerSourcePenalties /etc/ssh/sshd_config.d/* >>${folder}/sshd_config
systemd-run --quiet --unit=${unit} ${elsewhere} /usr/sbin/sshd -D -f ${folder}/sshd_config -p ${port} -E ${folder}/sshd.log
i=0; until grep -q 'Server listening' ${folder}/sshd.log; do i=$((i + 1)); [ $i -lt 200 ] || exit 1; sleep 0.05; done
${unreachable === true ? `iptables -I INPUT -p tcp --dport ${port} -j DROP` : ":"}`,
      `${config.join("\n")}\n`,
    );
  };
  await restart();
  return {
    proxy,
    hold: async (point, pattern, nth = 1) => {
      const dropIn = `/run/systemd/system/${pattern}.service.d`;
      const during =
        point === "during"
          ? `mkdir -p ${dropIn}; printf '[Service]\\nExecStartPre=%s during %%n\\n' ${folder}/gate >${dropIn}/line.conf; systemctl ` +
            "daemon-reload"
          : ":";
      await host(`${unhold}; ${during}; echo '${point} ${nth} ${pattern}' >${folder}/plan`);
    },
    untilHeld: async () => void (await seen("held")),
    untilAsked: async () => void (await seen("reread")),
    resume: async () => void (await host(`rm -f ${folder}/plan; touch ${folder}/go`)),
    drop: async () => void (await host(`rm -f ${folder}/plan; touch ${folder}/drop`)),
    clear: async () => void (await host(`${unhold}; systemctl daemon-reload`)),
    readLog: async () => await host(`cat ${folder}/sshd.log`),
    readCommands: async () => (await host(`cat ${folder}/commands`)).split("\n").filter((line) => line !== ""),
    restart,
    whileUsed: async (work) => {
      const stackText = readFileSync(stackFile, "utf8");
      writeFileSync(
        stackFile,
        stackText.replace(/^( *cutter-kit:host:).*$/m, "$1 127.0.0.1").replace(/^( *cutter-kit:port:).*$/m, `$1 ${proxy.port}`),
      );
      try {
        return await work();
      } finally {
        writeFileSync(stackFile, stackText);
      }
    },
    close: async () => {
      await proxy.stop();
      await host(`${unhold}; ${stopSshd}; rm -rf ${folder}; systemctl daemon-reload`);
    },
  };
}

async function seen(mark: string): Promise<void> {
  const { code } = await onHost(`i=0; until [ -e ${folder}/${mark} ]; do i=$((i + 1)); [ $i -lt 1200 ] || exit 1; sleep 0.05; done`);
  if (code !== 0) throw new Error(`nothing on the host came to be ${mark} within a minute`);
}
