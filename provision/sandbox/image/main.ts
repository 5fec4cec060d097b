// Started by the bootstrap beside the engine's build: that one keeps the processors busy, this one mostly waits for downloads.
import { ensureHostImage } from "./build.ts";

await ensureHostImage("trixie", (line) => console.log(line));
