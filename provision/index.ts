// The Pulumi program: reads the stack config, composes the components, exports the outputs; nothing else.
import * as pulumi from "@pulumi/pulumi";
import { chooseRelease } from "../deploy/release.ts";
import { toHostReport } from "./components/host-report.ts";
import { ReadyHost } from "./components/ready-host.ts";
import { toTarget } from "./components/target.ts";
import { parseStackConfig } from "./config.ts";

const config = parseStackConfig(pulumi.getStack(), pulumi.runtime.allConfig());
const wanted = await chooseRelease(config.release);
const reports = config.hosts.map((host) => toHostReport(host, new ReadyHost(toTarget(config, host), wanted).proof));

export const release = wanted.name;
export const gaps = pulumi.all(reports).apply((hosts) => hosts.flatMap((host) => host.gaps));
export const executionEnabled = pulumi.all(reports).apply((hosts) => hosts.some((host) => host.executionEnabled));
export const hosts = pulumi.all(reports).apply((all) => all.map(({ name, machineIdentity, proof }) => ({ name, machineIdentity, proof })));
