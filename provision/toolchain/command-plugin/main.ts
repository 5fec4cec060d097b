// The stand-in for the command provider 1.2.1, where its download is out of reach: serves exactly command:remote:Command over the provider protocol.
import { main as serveProvider } from "@pulumi/pulumi/provider/server.js";
import { remoteCommandProvider } from "./provider.ts";
import { commandPluginVersion } from "../bootstrap/layout.mjs";
import { connectEngineLog } from "./engine-log.ts";

const enginePollMs = 2_000;
const args = process.argv.slice(2);

exitWithEngine();
await serveProvider(remoteCommandProvider(commandPluginVersion, connectEngineLog(args.find((arg) => !arg.startsWith("-")) ?? "")), args);

/** A killed engine leaves its plugins behind, with their SSH connections: this one ends when its parent changes. */
function exitWithEngine(): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.exit(1);
  }, enginePollMs).unref();
}
