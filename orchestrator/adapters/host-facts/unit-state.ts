// Whether a start of a run is going on, as systemd says: a oneshot that works is `activating`, and only its root step is `active`.
import { execFile } from "node:child_process";

const standardPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const deadlineMs = 10_000;
const working: readonly string[] = ["active", "activating", "deactivating", "reloading", "refreshing", "maintenance"];
const still: readonly string[] = ["inactive", "failed"];

/** Unknown: there is no systemd here, or it did not answer. */
export type UnitState = { readonly state: "going_on"; readonly seen: string } | { readonly state: "ended" } | { readonly state: "unknown" };

/** Of the run's unit and of the root step before it, which stops a moment after it. `path` is where systemctl is looked for. */
export async function readUnitState(runId: string, path = standardPath): Promise<UnitState> {
  const units = [`cutter-run@${runId}.service`, `cutter-prepare@${runId}.service`];
  const states = await ask(units, path);
  if (states.length !== units.length || states.some((state) => ![...working, ...still].includes(state))) return { state: "unknown" };
  const seen = units.flatMap((unit, index) => (working.includes(states[index] ?? "") ? [`${unit} ${states[index] ?? ""}`] : []));
  return seen.length === 0 ? { state: "ended" } : { state: "going_on", seen: seen.join(", ") };
}

/** One word a unit. Its exit code says only whether all are active. */
function ask(units: readonly string[], path: string): Promise<readonly string[]> {
  return new Promise((done) => {
    execFile("systemctl", ["is-active", "--", ...units], { env: { PATH: path }, timeout: deadlineMs, encoding: "utf8" }, (_error, stdout) =>
      done(stdout.trim() === "" ? [] : stdout.trim().split("\n")),
    );
  });
}
