// The provider's process: one for a whole pulumi command, gone when its engine is gone.
import { main } from "@pulumi/pulumi/provider/index.js";
import { createHostPool } from "../host/pool.ts";
import { log, runtime } from "@pulumi/pulumi";
import { createProvider } from "./provider.ts";

const engineCheckIntervalMs = 1_000;

// A killed engine leaves its plugins behind, with their SSH connections: the parent's change is the only sign.
const engine = process.ppid;
setInterval(() => {
  if (process.ppid !== engine) process.exit(0);
}, engineCheckIntervalMs).unref();

// What a provider prints is shown to nobody; the engine's own log is.
const engineAddress = process.argv.slice(2).find((argument) => !argument.startsWith("-")) ?? "";
runtime.resetOptions("", "", -1, engineAddress, "", false, "");

await main(createProvider(createHostPool(), (line) => void log.warn(line)), process.argv.slice(2));
