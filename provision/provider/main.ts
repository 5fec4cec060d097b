// The provider's process: one for a whole pulumi command, gone when its engine is gone.
import { main } from "@pulumi/pulumi/provider/index.js";
import { createHostPool } from "../host/pool.ts";
import { log, runtime } from "@pulumi/pulumi";
import { exitWithEngine, toEngineAddress } from "../toolchain/pulumi/exit-with-engine.ts";
import { createProvider } from "./provider.ts";

const args = process.argv.slice(2);
const engineAddress = toEngineAddress(args);
exitWithEngine(engineAddress);

// What a provider prints is shown to nobody; the engine's own log is, and it says "warning:" by itself.
runtime.resetOptions("", "", -1, engineAddress, "", false, "");

await main(
  createProvider(createHostPool(), (line) => void (line.startsWith("[WARN] ") ? log.warn(line.slice("[WARN] ".length)) : log.info(line))),
  args,
);
