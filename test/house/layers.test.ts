// The layer check catches what it must: each forbidden arrow is planted in an empty tree, and seen; the allowed ones are not.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const checkout = resolve(import.meta.dirname, "../..");
const rules = createRequire(import.meta.url)("../../.dependency-cruiser.cjs") as { forbidden: readonly { name: string }[] };

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
  "everything-resolves": ["deploy/a.ts", 'import { b } from "./gone.ts"; export const a = b;', "deploy/b.ts"],
};

describe("the layer check", () => {
  test.each(rules.forbidden.map(({ name }) => name))("sees a planted violation of %s, and only that", (name) => {
    const plant = planted[name];
    if (plant === undefined) throw new Error(`no violation is planted for the rule ${name}: add one here`);
    const [file, text, target] = plant;
    const targetText =
      name === "no-cycles" ? 'import { c } from "./a.ts"; export const b = c;' : "export const b = 1; export type B = number;";
    expect(violationsIn({ [file]: text, [target]: targetText })).toEqual([name]);
  });

  test("lets through what the house allows", () => {
    const tree = {
      "orchestrator/core/rule.ts":
        'import { createHash } from "node:crypto"; import { z } from "zod"; export const rule = [createHash, z]; export type Rule = typeof rule;',
      "orchestrator/ports/port.ts": 'import type { Rule } from "../core/rule.ts"; export interface Port { readonly rule: Rule }',
      "orchestrator/phases/phase.ts":
        'import { rule } from "../core/rule.ts"; import type { Port } from "../ports/port.ts"; export const phase = (port: Port) => [port, rule];',
      "orchestrator/adapters/real.ts":
        'import type { Port } from "../ports/port.ts"; import { rule } from "../core/rule.ts"; export const real: Port = { rule };',
      "orchestrator/compose.ts":
        'import { real } from "./adapters/real.ts"; import { phase } from "./phases/phase.ts"; export const composed = phase(real);',
      "provision/plan.ts": 'import { rule } from "../orchestrator/core/rule.ts"; export const plan = rule;',
    };
    expect(violationsIn(tree)).toEqual([]);
  });
});

/** Names of the rules a tree of these files breaks, by the house's own configuration. */
function violationsIn(tree: Readonly<Record<string, string>>): string[] {
  const root = mkdtempSync(join(tmpdir(), "layers-"));
  try {
    for (const [path, text] of Object.entries(tree)) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    for (const file of ["tsconfig.json", ".dependency-cruiser.cjs", "package.json"]) cpSync(join(checkout, file), join(root, file));
    symlinkSync(join(checkout, "node_modules"), join(root, "node_modules"));
    const folders = [...new Set(Object.keys(tree).map((path) => path.split("/")[0] ?? ""))];
    const cruise = spawnSync(
      process.execPath,
      [
        join(checkout, "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs"),
        "--config",
        ".dependency-cruiser.cjs",
        "--output-type",
        "json",
        ...folders,
      ],
      {
        cwd: root,
        encoding: "utf8",
      },
    );
    const report = JSON.parse(cruise.stdout) as { summary: { violations: { rule: { name: string } }[]; totalCruised: number } };
    expect(report.summary.totalCruised).toBeGreaterThanOrEqual(Object.keys(tree).length);
    return [...new Set(report.summary.violations.map(({ rule }) => rule.name))];
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
