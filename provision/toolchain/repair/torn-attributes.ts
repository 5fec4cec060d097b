// Empty attribute files beside local state: an engine killed while it writes one leaves a state that no command can load any more ("failed to load checkpoint: EOF"). Only for file:// state.
import { existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Removes each empty `<file>.attrs`; gives the files they stood beside, as paths below `.pulumi`. Such a file holds a content type and a digest that the engine
 * does without; it writes them in place and the state itself by renaming, so the state beside is whole. An engine that is just writing one keeps its open file.
 */
export function removeTornAttributes(backendUrl: string): readonly string[] {
  if (!backendUrl.startsWith("file:///")) return [];
  const root = join(fileURLToPath(backendUrl), ".pulumi");
  if (!existsSync(root)) return [];
  const torn = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".attrs") && statSync(join(root, file), { throwIfNoEntry: false })?.size === 0,
  );
  for (const file of torn) rmSync(join(root, file), { force: true });
  return torn.map((file) => file.slice(0, -".attrs".length));
}

/** For the person at the terminal. */
export function toTornLine(file: string): string {
  return `[INFO] ${file}: its attributes were cut off when a pulumi was killed, and are left out; the file itself is whole`;
}
