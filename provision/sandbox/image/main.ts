// Started by the bootstrap beside the engine's build: that one keeps the processors busy, this one mostly waits for downloads.
import { withOrdinaryUmask } from "../base/process.ts";
import { ensureHostImage } from "./build.ts";

await withOrdinaryUmask(() => ensureHostImage("trixie", (line) => console.log(line)));
