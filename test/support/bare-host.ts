// A host that never saw the kit, for a while: what the kit made is moved aside on the host and in the stack's state, and moved back; no
// destroy, no up.
import { onHost } from "./e2e.ts";
import { importState, readHostAndState, readState, type StackState } from "./stack.ts";

const aside = "/root/cutter-trial-aside";

/** Each is one name on the host's own file system, so that a move is instant; units and the accounts' files are few and copied. */
const places = "/opt/cutter /etc/cutter /var/lib/cutter /var/lib/cutter-ledger /usr/local/bin/cutter /etc/tmpfiles.d/cutter.conf";
const accounts = "/etc/passwd /etc/group /etc/shadow /etc/gshadow";
const envFile = "/opt/incomex/docker/.env";

const clear = `
systemctl stop 'cutter-*.socket' 'cutter-*.service'
(cd /etc/systemd/system && find . -name 'cutter-*' -depth -exec rm -rf {} +)
rm -rf ${places} /run/cutter
systemctl daemon-reload; systemctl reset-failed
sed -i '/^BACKUP_GPG_FPR=/d' ${envFile}`;

const moveAside = `
set -e
mkdir ${aside}; mkdir ${aside}/accounts; cp -a ${accounts} ${aside}/accounts; cp -a ${envFile} ${aside}/env
(cd /etc/systemd/system && find . -name 'cutter-*' -print0 | tar --null -cf ${aside}/units.tar --no-recursion -T -)
for place in ${places}; do mv -T "$place" "${aside}/$(echo $place | tr / _)"; done
set +e
${clear}
userdel cutter; ! getent group cutter >/dev/null || groupdel cutter`;

const moveBack = `
${clear}
set -e
cp -a ${aside}/accounts/* /etc; cat ${aside}/env >${envFile}
for place in ${places}; do mv -T "${aside}/$(echo $place | tr / _)" "$place"; done
tar -C /etc/systemd/system -xpf ${aside}/units.tar
rm -r ${aside}
systemctl daemon-reload; systemd-tmpfiles --create /etc/tmpfiles.d/cutter.conf
cd /etc/systemd/system/sockets.target.wants; systemctl start cutter-*.socket`;

/**
 * `work` meets a host and a state without anything of the kit; whatever it makes there is taken away. Then host and state are what they
 * were, byte for byte.
 * @throws what `work` threw, or when host and state are not as before
 */
export async function withBareHost<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = await readHostAndState();
  const state = await readState();
  await onHostOrThrow(moveAside);
  const result = await onEmptyState(state, work).finally(() => onHostOrThrow(moveBack));
  if ((await readHostAndState()) !== before) throw new Error("host and state are not what they were before");
  return result;
}

async function onEmptyState<Result>(state: StackState, work: () => Promise<Result>): Promise<Result> {
  try {
    await importState({ ...state, deployment: { ...state.deployment, resources: [], pending_operations: [] } });
    return await work();
  } finally {
    await importState(state);
  }
}

async function onHostOrThrow(commandLine: string): Promise<void> {
  const { code, stdout, stderr } = await onHost(commandLine);
  if (code !== 0) throw new Error(`on the host, exit code ${code}:\n${stdout}${stderr}`);
}
