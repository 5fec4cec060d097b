// The layer check catches what it must: each forbidden arrow is planted in an empty tree, and seen; the allowed ones are not.
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, posix, resolve } from "node:path";
import { cruise } from "dependency-cruiser";
import readOptions from "dependency-cruiser/config-utl/extract-depcruise-options";
import readTsConfig from "dependency-cruiser/config-utl/extract-ts-config";
import { describe, expect, test } from "vitest";
import { fastFolder } from "../support/fast-folder.ts";
import { findRoomCircles, readRoomGraph } from "./room-graph.ts";

const checkout = resolve(import.meta.dirname, "../..");
const rules = createRequire(import.meta.url)("../../.dependency-cruiser.cjs") as { forbidden: readonly { name: string }[] };
const rooms = createRequire(import.meta.url)("./rooms.cjs") as Readonly<Record<string, readonly string[]>>;
const options = readOptions(join(checkout, ".dependency-cruiser.cjs"));
const tsConfig = readTsConfig(join(checkout, "tsconfig.json"));
const allOfCore = "orchestrator/core/**";

/** Rule → an arrow it forbids: the importing file with its import, and what else has to exist. */
const planted: Readonly<Record<string, readonly [file: string, text: string, target: string]>> = {
  "core-is-pure": [
    "orchestrator/core/a.ts",
    'import { readFileSync } from "node:fs"; export const a = readFileSync;',
    "orchestrator/core/b.ts",
  ],
  "phases-know-core-and-port-types": [
    "orchestrator/phases/a.ts",
    'import type { B } from "../engine/b.ts"; export type A = B;',
    "orchestrator/engine/b.ts",
  ],
  "ports-are-types-for-phases": [
    "orchestrator/phases/a.ts",
    'import { b } from "../ports/b.ts"; export const a = b;',
    "orchestrator/ports/b.ts",
  ],
  "ports-know-core-only": [
    "orchestrator/ports/a.ts",
    'import type { B } from "../engine/b.ts"; export type A = B;',
    "orchestrator/engine/b.ts",
  ],
  "adapters-never-import-phases": [
    "orchestrator/adapters/pg/a.ts",
    'import { b } from "../../phases/b.ts"; export const a = b;',
    "orchestrator/phases/b.ts",
  ],
  "only-compose-imports-adapters": [
    "orchestrator/cli/a.ts",
    'import type { B } from "../adapters/b.ts"; export type A = B;',
    "orchestrator/adapters/b.ts",
  ],
  "orchestrator-stands-alone": [
    "orchestrator/engine/a.ts",
    'import { b } from "../../provision/b.ts"; export const a = b;',
    "provision/b.ts",
  ],
  "kit-knows-core-only": [
    "deploy/a.ts",
    'import type { B } from "../orchestrator/ports/b.ts"; export type A = B;',
    "orchestrator/ports/b.ts",
  ],
  "nothing-imports-tests": ["runbooks/a.ts", 'import { b } from "../test/b.ts"; export const a = b;', "test/b.ts"],
  "no-cycles": ["provision/a.ts", 'import { b } from "./b.ts"; export const a = b; export const c = 1;', "provision/b.ts"],
  "every-folder-is-a-room": ["provision/unlisted/a.ts", 'import { b } from "../checkout.ts"; export const a = b;', "provision/checkout.ts"],
  "everything-resolves": ["deploy/a.ts", 'import { b } from "./gone.ts"; export const a = b;', "deploy/b.ts"],
};

describe("the layer check", () => {
  const layerRules = rules.forbidden.map(({ name }) => name).filter((name) => !name.startsWith("room "));

  test.each(layerRules)("sees a planted violation of %s, and of no other layer", async (name) => {
    const plant = planted[name];
    if (plant === undefined) throw new Error(`no violation is planted for the rule ${name}: add one here`);
    const [file, text, target] = plant;
    const targetText =
      name === "no-cycles" ? 'import { c } from "./a.ts"; export const b = c;' : "export const b = 1; export type B = number;";
    expect((await violationsIn({ [file]: text, [target]: targetText })).filter(isLayer)).toEqual([name]);
    function isLayer(rule: string): boolean {
      return rule === name || !(rule.startsWith("room ") || rule === "every-folder-is-a-room");
    }
  });

  test("sees an import that a room may not make, in every room", async () => {
    const names = Object.keys(rooms);
    const plants = names.map((room) => {
      const forbidden = names.find((other) => other !== room && !toAllowed(room).includes(other));
      if (forbidden === undefined) throw new Error(`the room ${room} may import every other: its list holds nothing`);
      const target = posix.relative(posix.dirname(toFile(room)), toFile(forbidden));
      return [toFile(room), `import type { B as Other } from "./${target}"; export type A = Other; export type B = number;`] as const;
    });
    const seen = (await violationsIn(Object.fromEntries(plants))).filter((rule) => rule.startsWith("room "));
    expect(seen.toSorted()).toEqual(names.map((room) => `room ${room}`).toSorted());
  });

  test("lets through what the house allows", async () => {
    const tree = {
      "orchestrator/core/plan/rule.ts":
        'import { createHash } from "node:crypto"; import { z } from "zod"; export const rule = [createHash, z]; export type Rule = typeof rule;',
      "orchestrator/ports/port.ts": 'import type { Rule } from "../core/plan/rule.ts"; export interface Port { readonly rule: Rule }',
      "orchestrator/phases/phase.ts":
        'import { rule } from "../core/plan/rule.ts"; import type { Port } from "../ports/port.ts"; export const phase = (port: Port) => [port, rule];',
      "orchestrator/adapters/process/real.ts":
        'import type { Port } from "../../ports/port.ts"; import { rule } from "../../core/plan/rule.ts"; export const real: Port = { rule };',
      "orchestrator/cli/command.ts": 'import { phase } from "../phases/phase.ts"; export const command = phase;',
      "orchestrator/compose.ts":
        'import { real } from "./adapters/process/real.ts"; import { command } from "./cli/command.ts"; export const composed = command(real);',
      "provision/stack/plan.ts": 'import { rule } from "../../orchestrator/core/plan/rule.ts"; export const plan = rule;',
    };
    expect(await violationsIn(tree)).toEqual([]);
  });
});

describe("the list of rooms", () => {
  const fileRooms = new Set(Object.keys(rooms).filter((room) => room.endsWith(".ts")));
  const graph = readRoomGraph(checkout, fileRooms);

  test("names every folder that holds source files, and no other", () => {
    expect(Object.keys(rooms).toSorted()).toEqual([...graph.files.keys()].toSorted());
  });

  test("allows no import that nobody makes", () => {
    const unused = Object.entries(rooms).flatMap(([room, [, ...imports]]) =>
      imports
        .filter((target) => !toMade(room).some((made) => made === target || (target === allOfCore && isCore(made))))
        .map((target) => `${room} → ${target}`),
    );
    expect(unused).toEqual([]);
  });

  test("has no circle", () => {
    expect(findRoomCircles(graph)).toEqual([]);
    const planted = {
      files: new Map([
        ["a", 1],
        ["b", 1],
        ["c", 1],
      ]),
      imports: new Map([
        ["a", new Map([["b", 1]])],
        ["b", new Map([["c", 1]])],
        ["c", new Map([["b", 1]])],
      ]),
    };
    expect(findRoomCircles(planted)).toEqual([["b", "c"]]);
  });

  test("has no room with more than 25 source files", () => {
    expect([...graph.files].filter(([, files]) => files > 25)).toEqual([]);
  });

  function toMade(room: string): string[] {
    return [...(graph.imports.get(room)?.keys() ?? [])];
  }
});

const isCore = (room: string): boolean => room.startsWith("orchestrator/core/");

function toAllowed(room: string): string[] {
  return (rooms[room]?.slice(1) ?? []).flatMap((target) => (target === allOfCore ? Object.keys(rooms).filter(isCore) : [target]));
}

function toFile(room: string): string {
  return room.endsWith(".ts") ? room : `${room}/a.ts`;
}

/** Names of the rules a tree of these files breaks, by the house's own configuration. */
async function violationsIn(tree: Readonly<Record<string, string>>): Promise<string[]> {
  const root = mkdtempSync(join(fastFolder, "layers-"));
  try {
    for (const [path, text] of Object.entries(tree)) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    for (const file of ["tsconfig.json", "package.json"]) cpSync(join(checkout, file), join(root, file));
    symlinkSync(join(checkout, "node_modules"), join(root, "node_modules"));
    const folders = [...new Set(Object.keys(tree).map((path) => path.split("/")[0] ?? ""))];
    const { output } = await cruise(folders, { ...(await options), baseDir: root }, undefined, { tsConfig });
    if (typeof output === "string") throw new Error(output);
    expect(output.summary.totalCruised).toBeGreaterThanOrEqual(Object.keys(tree).length);
    return [...new Set(output.summary.violations.map(({ rule }) => rule.name))];
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
