// The Pulumi program: reads the stack config, composes the components, exports the outputs; nothing else.
import * as pulumi from "@pulumi/pulumi";
import { chooseRelease } from "../deploy/release.ts";
import { toHostReport } from "./components/host-report.ts";
import { ReadyHost } from "./components/ready-host.ts";
import { toTarget } from "./components/target.ts";
import { parseStackConfig } from "./config.ts";
import { readReachProblem } from "./provider/resources.ts";

const config = parseStackConfig(pulumi.getStack(), pulumi.runtime.allConfig());
const wanted = await chooseRelease(config.release);
const targets = config.hosts.map((host) => toTarget(config, host));
const reports = pulumi.all(targets.map((target) => toHostReport(target, new ReadyHost(target, wanted).proof)));

// A host that has nothing of ours yet has nothing to be refreshed, so its first preview would be green without having asked anybody.
if (pulumi.runtime.isDryRun()) {
  for (const { host } of targets) void readReachProblem(host).then((problem) => (problem === null ? undefined : pulumi.log.warn(problem)));
}

export const release = wanted.name;
export const gaps = reports.apply((all) => all.flatMap((report) => report.gaps));
export const executionEnabled = reports.apply((all) => all.some((report) => report.executionEnabled));
export const hosts = reports.apply((all) => all.map(({ name, machineIdentity, proof }) => ({ name, machineIdentity, proof })));
