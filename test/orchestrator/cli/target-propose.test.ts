// cutter target propose on a world: knowledge base, registry and this host's dry runs joined into one ranking.
import { afterEach, beforeEach, expect, it } from "vitest";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { ruling, toDocument } from "../../support/approval-material.ts";
import { makeCli, type Cli } from "../../support/worlds/cli.ts";
import { documentId, makeWorld, type World } from "../../support/worlds/world.ts";

let world: World;
let cli: Cli;
beforeEach(async () => {
  world = await makeWorld();
  cli = await makeCli(world);
});
afterEach(() => world.remove());

async function addDocument(id: string, body: string): Promise<void> {
  await world.ports.knowledgeBase.write({ id, title: id, body, tags: [] });
  world.database.registry.set(id, {
    documentId: id,
    docCode: id.split("/").at(-1)?.replace(".md", "") ?? "",
    sourceDocumentId: "33333333-3333-4333-8333-333333333333",
    sourceVersionId: "44444444-4444-4444-8444-444444444444",
    registeredSha256: sha256Hex(body),
    registeredRevision: 1,
  });
}

it("ranks the dry-run document first, names a dependant, and leaves laws out", async () => {
  await world.start();
  await addDocument("knowledge/other/named.md", "# Named\n");
  await addDocument("knowledge/dev/laws/law-1.md", "# Law\n\nSee knowledge/other/named.md\n");
  const ran = await cli.run("target", "propose", "--json");
  expect(ran.stderr).toBe("");
  expect(ran.code).toBe(0);
  const answer = JSON.parse(ran.stdout) as {
    proposed: { document_id: string; dry_run: string; cautions: string[] }[];
    excluded: { document_id: string }[];
  };
  expect(answer.proposed.map(({ document_id, dry_run }) => [document_id, dry_run])).toEqual([
    [documentId, "clean"],
    ["knowledge/other/named.md", "none"],
  ]);
  expect(answer.proposed[1]?.cautions.join()).toContain("knowledge/dev/laws/law-1.md");
  expect(answer.excluded.map(({ document_id }) => document_id)).toEqual(["knowledge/dev/laws/law-1.md"]);
});

it("prints a line a person can read, and obeys --limit", async () => {
  await addDocument("knowledge/other/second.md", "# Second\n");
  const ran = await cli.run("target", "propose", "--limit", "1");
  expect(ran.stdout).toContain("  1. ");
  expect(ran.stdout).not.toContain("  2. ");
  expect(ran.stdout).toContain("and 1 more");
  expect(ran.stdout).toContain("2 proposed, 0 not");
});

it("leaves the kit's own documents out, and says what each is", async () => {
  const folder = world.config.kb_runs_folder;
  const text = "knowledge/other/why-this-one.md";
  const signed = toDocument(ruling({ architect_text: { kb_id: text, revision: 1, sha256: "0".repeat(64) } })).toString();
  await addDocument(text, "# Why\n");
  await addDocument("knowledge/other/kept-ruling.md", signed);
  await addDocument(`${folder}/run-1/06-cut-leg-a.md`, "# Phase 6\n");
  await addDocument(`${folder}/run-1/approvals/ruling-0f9b2c1e.md`, signed);
  const ran = await cli.run("target", "propose", "--json");
  const { proposed, excluded } = JSON.parse(ran.stdout) as {
    proposed: { document_id: string }[];
    excluded: { document_id: string; why: string[] }[];
  };
  expect(proposed.map(({ document_id }) => document_id)).toEqual([documentId]);
  const own = "it is a document of the kit's own runs: nothing to be cut";
  expect(Object.fromEntries(excluded.map(({ document_id, why }) => [document_id, why[0]]))).toEqual({
    [text]: `it is the architect's text of the ruling ${folder}/run-1/approvals/ruling-0f9b2c1e.md: nothing to be cut`,
    "knowledge/other/kept-ruling.md": "it is an approval: nothing to be cut",
    [`${folder}/run-1/06-cut-leg-a.md`]: own,
    [`${folder}/run-1/approvals/ruling-0f9b2c1e.md`]: own,
  });
});

it("does not count a dry run of other bytes", async () => {
  await world.start();
  const changed = "# Changed\n";
  await addDocument(documentId, changed);
  const ran = await cli.run("target", "propose", "--json");
  expect((JSON.parse(ran.stdout) as { proposed: { dry_run: string }[] }).proposed[0]?.dry_run).toBe("none");
});

it("says so when nothing qualifies", async () => {
  world.database.unitsThere.set(documentId, 4);
  const ran = await cli.run("target", "propose");
  expect(ran.code).toBe(0);
  expect(ran.stdout).toContain("no registered document qualifies");
});

it.each(["0", "x", "1.5", "1001"])("refuses --limit %s as usage", async (limit) => {
  expect((await cli.run("target", "propose", "--limit", limit)).code).toBe(2);
});

it("refuses to rank on half the facts when the knowledge base is too large", async () => {
  const ports = {
    ...world.ports,
    knowledgeBase: {
      ...world.ports.knowledgeBase,
      list: () =>
        Promise.resolve({
          documents: Array.from({ length: 5_001 }, (_, index) => ({ id: `knowledge/other/d${String(index)}.md`, revision: 1, title: "" })),
          skipped: [],
        }),
    },
  };
  const large = await makeCli({ ...world, folder: `${world.folder}/kb`, ports });
  const ran = await large.run("target", "propose");
  expect(ran.code).toBe(10);
  expect(ran.stderr).toMatch(/^TARGET_TOO_MANY_DOCUMENTS /);
});

it("leaves out a document that the knowledge base answers 500 to, and ends when it answers 500 to all of them", async () => {
  for (let number = 1; number <= 8; number += 1) await addDocument(`knowledge/other/d${String(number)}.md`, `# ${String(number)}\n`);
  const propose = async (fails: (id: string) => boolean) => {
    const read = (id: string) =>
      fails(id)
        ? Promise.reject(new CutterError("KB_UNAVAILABLE", { call: `GET /kb/get/${id}`, status: 500, reason: "answers 500" }))
        : world.ports.knowledgeBase.read(id);
    const ports = { ...world.ports, knowledgeBase: { ...world.ports.knowledgeBase, read } };
    const engine = { ports, close: () => Promise.resolve() };
    cli.services.openEngine = () => Promise.resolve(engine);
    return await cli.run("target", "propose", "--json");
  };
  const one = await propose((id) => id.endsWith("/d3.md"));
  expect(JSON.parse(one.stdout)).toMatchObject({
    skipped: [{ document_id: "knowledge/other/d3.md", why: "it cannot be read: KB_UNAVAILABLE reason=answers 500" }],
    skipped_count: 1,
    excluded: [
      {
        document_id: "knowledge/other/d3.md",
        why: ["the knowledge base has it, but it cannot be read: KB_UNAVAILABLE reason=answers 500"],
      },
    ],
  });
  expect(await propose(() => true)).toMatchObject({ code: 11, stderr: expect.stringMatching(/^KB_UNAVAILABLE .*answers 500/) });
});
