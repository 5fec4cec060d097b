// The Pulumi program: reads the stack config, composes the components, exports the outputs; nothing else.
import process from "node:process";
import * as pulumi from "@pulumi/pulumi";
import { chooseRelease } from "./components/release.ts";
import { toHostReport, toUnknownReport } from "./components/host-report.ts";
import { toLeftLine, writeKnownHosts } from "./stack/known-hosts.ts";
import { requirePinnedFiles } from "./stack/pinned-file.ts";
import { ReadyHost } from "./components/ready-host.ts";
import { toTarget } from "./components/target.ts";
import { parseStackConfig } from "./stack/config.ts";
import { readReachProblem } from "./components/declare.ts";

const config = parseStackConfig(pulumi.getStack(), pulumi.runtime.allConfig());
await requirePinnedFiles(config);
if (!pulumi.runtime.isDryRun()) {
  const left = writeKnownHosts(config);
  if (left.length > 0) void pulumi.log.warn(toLeftLine(config.stack, left));
}
const wanted = await chooseRelease(config.release);
const targets = config.hosts.map((host) => toTarget(config, host));
/**
 * What the SDK's own runner ends with after it has shown an error: the engine then fails without a second message. An error in the log
 * alone would leave its exit code 0.
 */
const exitAfterAnError = 32;
const several = targets.length > 1;
/** `npm run pulumi` and the kit's plain `pulumi` say so: the engine runs this program then, too, and would print what it found before. */
const isDestroy = process.env["CUTTER_KIT_DESTROYS"] === "true";

// Of several hosts one that is down must not keep the others from being finished: who is away is known before anything is declared.
const problems = several ? await Promise.all(targets.map(({ host }) => readReachProblem(host, true))) : [];
const reports = pulumi.all(
  targets.map((target, index) => {
    const { proof } = new ReadyHost(target, wanted);
    return !isDestroy && (problems[index] ?? null) === null ? toHostReport(target, proof) : pulumi.output(toUnknownReport(target));
  }),
);
// Said last: the command fails, and names each host that is not finished.
reports.apply(() => {
  const unreachable = problems.filter((problem) => problem !== null);
  for (const problem of unreachable) void pulumi.log.error(problem);
  if (unreachable.length > 0) process.exitCode = exitAfterAnError;
});

// A host that has nothing of ours yet has nothing to be refreshed, so its first preview would be green without having asked anybody.
if (pulumi.runtime.isDryRun() && !several) {
  for (const { host } of targets) void readReachProblem(host).then((problem) => (problem === null ? undefined : pulumi.log.warn(problem)));
}

/** What the stack says of itself; after a destroy nothing of it is true any more. */
export const outputs = isDestroy
  ? {}
  : {
      release: wanted.name,
      gaps: reports.apply((all) => Object.fromEntries(all.map((report) => [report.name, report.gaps]))),
      executionEnabled: reports.apply((all) => all.some((report) => report.executionEnabled)),
      hosts: reports.apply((all) => all.map(({ name, machineIdentity, proof }) => ({ name, machineIdentity, proof }))),
    };
