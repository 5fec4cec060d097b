// A finished file gets its name: fsync of the file, rename, fsync of the directory. An fsync error is a stop, never a retry.
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Replaces what stands at the destination. */
export async function publish(partial: string, destination: string): Promise<void> {
  await syncPath(partial);
  await rename(partial, destination);
  await syncPath(dirname(destination));
}

/** Of a file or a folder. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, "r");
  await handle.sync().finally(() => handle.close());
}
