// The stand-in for the command provider 1.2.1, where its download is out of reach: serves exactly command:remote:Command over the provider
// protocol.
import { main as serveProvider } from "@pulumi/pulumi/provider/server.js";
import { remoteCommandProvider } from "./provider.ts";
import { commandPluginVersion } from "../bootstrap/layout.mjs";
import { exitWithEngine, toEngineAddress } from "../pulumi/exit-with-engine.ts";
import { connectEngineLog } from "./engine-log.ts";

const args = process.argv.slice(2);
const engineAddress = toEngineAddress(args);
exitWithEngine(engineAddress);
await serveProvider(remoteCommandProvider(commandPluginVersion, connectEngineLog(engineAddress)), args);
