// `npm run rooms [-- CHECKOUT]`: each room with its files and the rooms it imports, then the totals and the circles. CHECKOUT may be an
// older state of the project.
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { findRoomCircles, readRoomGraph } from "./room-graph.ts";

const rooms = createRequire(import.meta.url)("./rooms.cjs") as Readonly<Record<string, readonly string[]>>;
const checkout = resolve(process.argv[2] ?? ".");
const graph = readRoomGraph(checkout, new Set(Object.keys(rooms).filter((room) => room.endsWith(".ts"))));
const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, number) => total + number, 0);

for (const room of [...graph.files.keys()].toSorted()) {
  const targets = [...(graph.imports.get(room) ?? [])].toSorted(([, a], [, b]) => b - a);
  const shown = targets.map(([target, count]) => `${target} ${count}`).join(", ");
  console.log(`${room.padEnd(36)} ${String(graph.files.get(room)).padStart(3)} files  ${shown}`.trimEnd());
}

const arrows = [...graph.imports.values()];
const largest = [...graph.files].toSorted(([, a], [, b]) => b - a)[0] ?? ["", 0];
const circles = findRoomCircles(graph);
console.log(`\n${graph.files.size} rooms, ${sum(graph.files.values())} files, the largest room ${largest[0]} with ${largest[1]}`);
console.log(`${sum(arrows.map((row) => row.size))} arrows between rooms, ${sum(arrows.flatMap((row) => [...row.values()]))} imports`);
console.log(circles.length === 0 ? "no circles" : circles.map((circle) => `circle of ${circle.length}: ${circle.join(", ")}`).join("\n"));
