// A process that runs the dry run of a world and kills itself at one checkpoint: node killed-run.ts FOLDER CHECKPOINT PHASE.
import { openWorld } from "./worlds/world.ts";

const [folder = "", checkpoint = "", phase = ""] = process.argv.slice(2);

await openWorld(folder).start({
  onCheckpoint: (name, at) => {
    if (name === checkpoint && at === phase) process.kill(process.pid, "SIGKILL");
  },
});
