// Where tests put what they write often: in memory where the machine has such a place, since an fsync of a disk is what they would wait
// for.
import { existsSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";

const memory = "/dev/shm";
const neededBytes = 2 ** 30; // a container often has 64 MB there

/** A folder to make folders in: the unit run's own, which is removed with the run, whatever a test leaves there. */
export const fastFolder: string = process.env["CUTTER_TEST_FOLDER"] ?? (existsSync(memory) && hasRoom() ? memory : tmpdir());

function hasRoom(): boolean {
  const { bavail, bsize } = statfsSync(memory);
  return bavail * bsize >= neededBytes;
}
