// Which room imports which, read by dependency-cruiser from a checkout: the graph behind the layer check's tests and `npm run rooms`.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, posix, resolve } from "node:path";

const own = resolve(import.meta.dirname, "../..");
const cruiser = join(own, "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs");
const sourceFolders = ["orchestrator", "provision", "deploy", "runbooks"] as const;

export interface RoomGraph {
  readonly files: ReadonlyMap<string, number>; // by room
  readonly imports: ReadonlyMap<string, ReadonlyMap<string, number>>; // from room → to room → how many file imports
}

interface Cruised {
  readonly modules: readonly {
    readonly source: string;
    readonly coreModule?: boolean;
    readonly dependencies: readonly { readonly resolved: string; readonly coreModule: boolean; readonly couldNotResolve: boolean }[];
  }[];
}

/**
 * The rooms of `checkout`, tests left out. `fileRooms` are single files that are a room of their own; every other file belongs to its
 * folder.
 */
export function readRoomGraph(checkout: string, fileRooms: ReadonlySet<string>): RoomGraph {
  const folders = sourceFolders.filter((folder) => existsSync(join(checkout, folder)));
  const cruise = spawnSync(
    process.execPath,
    [cruiser, "--no-config", "--ts-pre-compilation-deps", "--do-not-follow", "node_modules", "--output-type", "json", ...folders],
    { cwd: checkout, encoding: "utf8", maxBuffer: 256 * 1024 * 1024 },
  );
  if (cruise.status !== 0) throw new Error(`dependency-cruiser failed: ${cruise.stderr.slice(0, 2000)}`);
  const isSource = (path: string): boolean => sourceFolders.some((folder) => path.startsWith(`${folder}/`));
  const toRoom = (path: string): string => (fileRooms.has(path) ? path : posix.dirname(path));
  const files = new Map<string, number>();
  const imports = new Map<string, Map<string, number>>();
  for (const { source, dependencies } of (JSON.parse(cruise.stdout) as Cruised).modules) {
    if (!isSource(source)) continue;
    const room = toRoom(source);
    files.set(room, (files.get(room) ?? 0) + 1);
    for (const { resolved } of dependencies) {
      if (!isSource(resolved) || toRoom(resolved) === room) continue;
      const row = imports.get(room) ?? new Map<string, number>();
      imports.set(room, row.set(toRoom(resolved), (row.get(toRoom(resolved)) ?? 0) + 1));
    }
  }
  return { files, imports };
}

/** Groups of rooms that import each other, directly or through others. An empty list is what the house wants. */
export function findRoomCircles({ files, imports }: RoomGraph): string[][] {
  const reach = new Map([...files.keys()].map((room) => [room, reachableFrom(room, imports)]));
  const seen = new Set<string>();
  const circles: string[][] = [];
  for (const room of files.keys()) {
    if (seen.has(room) || reach.get(room)?.has(room) !== true) continue;
    const circle = [...files.keys()].filter((other) => reach.get(room)?.has(other) === true && reach.get(other)?.has(room) === true);
    for (const member of circle) seen.add(member);
    circles.push(circle);
  }
  return circles;
}

function reachableFrom(room: string, imports: RoomGraph["imports"]): Set<string> {
  const found = new Set<string>();
  const open = [room];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const target of imports.get(next)?.keys() ?? []) {
      if (found.has(target)) continue;
      found.add(target);
      open.push(target);
    }
  }
  return found;
}
