// What is said of a run that has written and whose journal is gone or cannot be read: never that nothing of it stands, and the way back
// stays open.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { liveRunId, makeEvidencedWorld, type EvidencedWorld } from "../../support/live-run-files.ts";
import { makeCli, type Cli } from "../../support/worlds/cli.ts";

let world: EvidencedWorld;
let cli: Cli;
let journal: string;
let whole: string;
beforeAll(async () => {
  world = await makeEvidencedWorld();
  expect((await world.start()).result).toBe("done");
  cli = await makeCli(world.live.world, { readHostIdentity: () => Promise.resolve("0".repeat(64)) });
  journal = join(world.folder, "journal.jsonl");
  whole = await readFile(journal, "utf8");
}, 60_000);
afterAll(() => world.live.remove());

it.each<readonly [string, (text: string) => string]>([
  ["empty", () => ""],
  ["NUL bytes", (text) => "\0".repeat(text.length)],
  ["its first line", (text) => `${text.split("\n")[0] ?? ""}\n`],
  ["its lines with other marks between them", (text) => text.replaceAll("\n", "\r")],
])("status and explain call it damaged where its journal is %s, and REVERT is drafted all the same", async (_what, damage) => {
  await writeFile(journal, damage(whole));
  for (const word of ["explain", "status"])
    expect(await cli.run("orchestrate", word, "--run-id", liveRunId)).toMatchObject({
      code: 30,
      stdout: "",
      stderr: expect.stringMatching(/^JOURNAL_DAMAGED /),
    });
  expect((await cli.run("orchestrate", "status")).stdout).toMatch(new RegExp(`^${liveRunId} damaged .*code=JOURNAL_DAMAGED`, "m"));
  expect(await cli.run("approval", "draft", "--gate", "REVERT", "--run-id", liveRunId)).toMatchObject({ code: 0 });
});
