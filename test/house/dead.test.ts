// Nothing is kept that nothing uses: no file that nobody imports, no export that only its own file uses, no package that nobody imports.
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { checkout } from "./tracked-files.ts";

const limitMs = 60_000;

/** What `npm run dead` finds in `folder`, by kind and name. */
async function findDead(folder: string): Promise<readonly string[]> {
  const args = [join(checkout, "node_modules/knip/bin/knip.js"), "--config", ".knip.json", "--reporter", "json", "--no-exit-code"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, timeout: limitMs });
  const { issues } = JSON.parse(stdout) as { issues: readonly Readonly<Record<string, unknown>>[] };
  return issues.flatMap((issue) =>
    Object.entries(issue).flatMap(([kind, found]) =>
      Array.isArray(found) ? found.map(({ name }: { name: string }) => `${kind} ${name}`) : [],
    ),
  );
}

test("the repository holds no dead file, export, type or package", { timeout: limitMs }, async () => {
  expect(await findDead(checkout)).toEqual([]);
});

test("a dead file, a dead export, a needless export, a dead type and a dead package are found", { timeout: limitMs }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "cutter-dead-"));
  try {
    const planted = {
      "package.json": JSON.stringify({ name: "planted", type: "module", dependencies: { "left-pad": "1.0.0" } }),
      ".knip.json": (await readFile(join(checkout, ".knip.json"), "utf8")).replace(
        /"entry": \[[^\]]*\]/,
        '"entry": ["orchestrator/main.ts"]',
      ),
      "orchestrator/main.ts": 'import { used } from "./used.ts";\nused();\n',
      "orchestrator/used.ts":
        "export const used = (): number => needless;\nexport const needless = 1;\nexport const dead = 2;\nexport type Dead = number;\n",
      "orchestrator/nobody.ts": "export const alone = 1;\n",
    };
    for (const [path, text] of Object.entries(planted)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    expect((await findDead(folder)).toSorted()).toEqual([
      "dependencies left-pad",
      "exports dead",
      "exports needless",
      "files orchestrator/nobody.ts",
      "types Dead",
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
