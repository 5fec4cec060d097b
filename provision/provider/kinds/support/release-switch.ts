// Confirm or revert, seen from the operator: switch on the host, prove the new release over a fresh connection, confirm; otherwise the host
// goes back.
import { hostLayout } from "../../../../orchestrator/core/host/layout.ts";
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import type { CommandOutcome, RemoteHost } from "../../../host/connection.ts";
import type { WriteContext } from "../../kind/define.ts";

/** What `standing` says of a release that was proven; anything else is drift. */
export const confirmed = "confirmed";

/** Counted by the host from the switch on. A proof takes some 2 s; connecting may take 15 s, and the proof's own limit is 30 s. */
export const confirmWithinS = 60;

const proofTimeoutMs = 30_000;
const alreadyRevertedExit = 20;

/** From the lines of `release-switch.sh standing`; pure. A reversal is told before all else, so that preview shows it. */
export function toConfirmationState(records: readonly string[], name: string): string {
  const reverted = toRevertedRelease(records);
  if (reverted !== null) return `reverted from ${reverted.release} to ${reverted.now_on} at ${reverted.at}: ${reverted.why}`;
  return records.includes(`good ${name}`) && !records.some((line) => line.startsWith("pending ")) ? confirmed : "unconfirmed";
}

interface RevertedRelease {
  readonly release: string;
  readonly now_on: string; // at that time; "none" when there was no good release to go back to
  readonly why: string; // deadline, reboot or unhealthy
  readonly at: string;
}

function toRevertedRelease(records: readonly string[]): RevertedRelease | null {
  const [, release = "", nowOn = "", why = "", at = ""] = records.find((line) => line.startsWith("reverted "))?.split(" ") ?? [];
  return release === "" ? null : { release, now_on: nowOn, why, at };
}

/** The next `up` says what the host did in between. @throws HOST_OUTCOME_UNKNOWN */
export async function reportRevertedRelease({ host, say }: WriteContext): Promise<void> {
  const outcome = await host.run('[ ! -f "$1" ] || sh "$1" standing', [hostLayout.releaseSwitch], { timeoutMs: 15_000 });
  if (outcome.code !== 0) throw new CutterError("HOST_OUTCOME_UNKNOWN", { host: host.address.name, reading: hostLayout.releaseState });
  const reverted = toRevertedRelease(outcome.stdout.split("\n"));
  if (reverted !== null) say(`[WARN] ${new CutterError("RELEASE_REVERTED", { host: host.address.name, ...reverted }).message}`);
}

/**
 * Switches, proves, confirms. The host's own guard runs before the switch, so whatever ends this process leaves a host that goes back.
 * @throws RELEASE_UNHEALTHY (the host is back already), RELEASE_UNCONFIRMED (it goes back by itself), RELEASE_REVERTED (it went back first)
 */
export async function switchAndConfirm(context: WriteContext, name: string): Promise<void> {
  const { host, runJob } = context;
  await runJob({ script: 'sh "$1" switch "$2" "$3"', args: [hostLayout.releaseSwitch, name, String(confirmWithinS)] });
  const facts = { host: host.address.name, release: name };
  const unconfirmed = (problem: string) =>
    new CutterError("RELEASE_UNCONFIRMED", { ...facts, seen: problem, goes_back_within_s: confirmWithinS });
  const fresh = await context.openFresh().catch((error: unknown) => {
    throw unconfirmed(error instanceof CutterError ? error.code : "no connection");
  });
  try {
    const proof = await fresh.run(proofScript, [hostLayout.current, name], { timeoutMs: proofTimeoutMs });
    if (proof.code === null) throw unconfirmed(proof.problem ?? "the connection was lost");
    if (proof.code !== 0) throw await revertUnhealthyRelease(fresh, facts, proof);
    const confirmation = await fresh.run('sh "$1" confirm "$2"', [hostLayout.releaseSwitch, name], { timeoutMs: proofTimeoutMs });
    if (confirmation.code === alreadyRevertedExit) throw new CutterError("RELEASE_REVERTED", { ...facts, why: "deadline" });
    if (confirmation.code === null && (await isConfirmed(host, name))) return;
    // Cut in between: an unconfirmed release is drift, seen by the next preview.
    if (confirmation.code === null) throw unconfirmed(confirmation.problem ?? "the connection was lost");
    if (confirmation.code !== 0) throw unconfirmed(`confirm ended with ${confirmation.code}: ${confirmation.stderr.trim().slice(0, 300)}`);
  } finally {
    fresh.close();
  }
}

/**
 * After a lost answer, over another connection. Whatever hinders the look is a no: the host then goes back, or the next reading finds it
 * good.
 */
async function isConfirmed(host: RemoteHost, name: string): Promise<boolean> {
  const records = await host.run('sh "$1" standing', [hostLayout.releaseSwitch], { timeoutMs: 15_000 }).catch(() => null);
  return records?.code === 0 && toConfirmationState(records.stdout.split("\n"), name) === confirmed;
}

/** An operator who sees it fail need not wait for the deadline. */
async function revertUnhealthyRelease(
  fresh: RemoteHost,
  facts: { readonly host: string; readonly release: string },
  proof: CommandOutcome,
): Promise<CutterError> {
  const back = await fresh.run('sh "$1" back unhealthy && readlink -- "$2" || echo none', [hostLayout.releaseSwitch, hostLayout.current], {
    timeoutMs: proofTimeoutMs,
  });
  const said = `${proof.stdout}\n${proof.stderr}`
    .split("\n")
    .filter((line) => /^\[(?:ERR|WARN)\]|\S/.test(line))
    .slice(-3)
    .join(" | ")
    .slice(0, 500);
  const nowOn =
    back.code === 0 ? back.stdout.trim().replace(/^releases\//, "") : `unknown; it goes back by itself within ${confirmWithinS} s`;
  return new CutterError("RELEASE_UNHEALTHY", { ...facts, exit: proof.code ?? "none", now_on: nowOn, said });
}

/** Both programs start; the release verifies itself as the user that runs use. cutter-root without a verb refuses with 2. */
const proofScript = `[ "$(readlink -- "$1")" = "releases/$2" ] || { echo "current is not $2" >&2; exit 3; }
timeout 25 "$1/bin/cutter" self-verify >/dev/null || exit $?
"$1/bin/cutter-root" 2>/dev/null; [ $? -eq 2 ] || { echo "cutter-root does not start" >&2; exit 4; }`;
