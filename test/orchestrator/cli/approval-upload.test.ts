// cutter approval upload: root verifies with the host's pins, cutter stores what root verified and nothing else.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { toApprovalId } from "../../../orchestrator/core/approval/document-ids.ts";
import { parseApproval } from "../../../orchestrator/core/approval/parse.ts";
import { makeCli, type Cli } from "../../support/worlds/cli.ts";
import { makeWorld, type World } from "../../support/worlds/world.ts";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import { ruling, sg1, toDocument } from "../../support/approval-material.ts";
import { createGpgHome, type GpgHome } from "../../support/gpg.ts";

const runId = "run-1";
let home: GpgHome;
let world: World;
let input: string;
let cli: Cli;
beforeAll(() => {
  home = createGpgHome();
});
afterAll(() => home.remove());
beforeEach(async () => {
  world = await makeWorld();
  input = "";
  cli = await makeCli(world, {
    clock: { now: () => new Date(), monotonicMs: () => world.clock.monotonicMs(), wait: (ms, signal) => world.clock.wait(ms, signal) },
    readInput: () => Promise.resolve(Buffer.from(input)),
  });
});
afterEach(() => world.remove());

const folder = "knowledge/current-state/cutter-runs/run-1/approvals";
const envelope = (change: object = {}, id = `${folder}/sg-1.md`, body = "approval"): string =>
  JSON.stringify({
    schema: "cutter.approval-envelope/1",
    run_id: runId,
    documents: [
      { id, title: "SG_1", body },
      { id: id.replace(".md", "-asc.md"), title: "signature", body: "armor" },
    ],
    ...change,
  });
const store = (text: string) => {
  input = text;
  return cli.run("approval", "upload", "--run-id", runId, "--json", "-");
};

it("stores document and signature as cutter, with receipts, and again without a new revision", async () => {
  const stored = await store(envelope());
  expect([stored.code, JSON.parse(stored.stdout)]).toEqual([
    0,
    {
      schema: "cutter.approval-upload/1",
      run_id: runId,
      receipts: [
        expect.objectContaining({ id: `${folder}/sg-1.md`, revision: 1 }),
        expect.objectContaining({ id: `${folder}/sg-1-asc.md`, revision: 1 }),
      ],
    },
  ]);
  expect((await store(envelope())).stdout).toBe(stored.stdout);
  expect(await world.readKb(`${folder}/sg-1.md`)).toBe("approval");
});

it("replaces an approval only once it is too old for its gate", async () => {
  const outdated = toDocument(sg1({ issued_at: "2020-01-01T00:00:00Z" })).toString();
  expect((await store(envelope({}, `${folder}/sg-1.md`, outdated))).code).toBe(0);
  const fresh = toDocument(sg1()).toString();
  expect((await store(envelope({}, `${folder}/sg-1.md`, fresh))).code).toBe(0);
  expect(await store(envelope({}, `${folder}/sg-1.md`, `${fresh}\n`))).toMatchObject({
    code: 10,
    stderr: expect.stringMatching(/^APPROVAL_TAKEN /),
  });
  expect(await world.readKb(`${folder}/sg-1.md`)).toBe(fresh);
});

it.each([
  ["nothing on stdin", ""],
  ["another run's envelope", envelope({ run_id: "run-2" })],
  ["a document outside the run's approvals", envelope({}, "knowledge/other/a.md")],
  ["an unknown field", envelope({ force: true })],
])("stores nothing for %s", async (_what, text) => {
  expect(await store(text)).toMatchObject({ code: 10, stderr: expect.stringMatching(/^APPROVAL_UPLOAD_UNFIT /) });
  expect(await world.readKb(`${folder}/sg-1.md`)).toBeNull();
});

it("uploads no file that the host's own pins do not vouch for, and nothing where it is not root", async () => {
  const file = join(cli.folder, "sg-1.md");
  const key = home.createKey("stranger", { algorithm: "ed25519" });
  await writeFile(file, toDocument(sg1()));
  home.run(["--armor", "--local-user", key, "--output", `${file}.asc`, "--detach-sign", file]);
  expect(await cli.run("approval", "upload", "--run-id", runId, file)).toMatchObject({
    code: 78,
    stderr: expect.stringMatching(/^APPROVAL_KEY_NOT_PINNED /),
  });
  expect(cli.opened).toEqual([]);
});

describe("a ruling", () => {
  const textId = "knowledge/current-state/reports/ruling-run-1.md";
  const id = `${folder}/ruling-11111111.md`;
  const toRuling = (change: object = {}): string =>
    toDocument(ruling({ architect_text: { kb_id: textId, revision: 1, sha256: sha256Hex("the architect's text"), ...change } })).toString();
  const upload = (body: string) => store(envelope({}, id, body));

  it("is stored when the architect's text stands in the knowledge base as it says", async () => {
    await world.ports.knowledgeBase.write({ id: textId, title: "Ruling", body: "the architect's text", tags: [] });
    expect((await upload(toRuling())).code).toBe(0);
  });

  it.each([
    ["no such text stands there", {}, false],
    ["it names another revision", { revision: 2 }, true],
    ["it names another digest", { sha256: "0".repeat(64) }, true],
  ])("is not stored when %s", async (_why, change, written) => {
    if (written) await world.ports.knowledgeBase.write({ id: textId, title: "Ruling", body: "the architect's text", tags: [] });
    expect(await upload(toRuling(change))).toMatchObject({ code: 10, stderr: expect.stringMatching(/^APPROVAL_ARCHITECT_TEXT_DIFFERS /) });
    expect(await world.readKb(id)).toBeNull();
  });
});

it("gives rulings and decisions an id by their own UUID, so that a run may have several", async () => {
  const approval = parseApproval(
    await readFile(
      await written(
        toDocument(
          sg1({ gate: "SG_3", decision: "void", phase: "write_verify", review_decision_id: "33333333-2222-4333-8444-555555555555" }),
        ),
      ),
    ),
  );
  expect(toApprovalId("knowledge/runs", "Run-1", approval)).toBe("knowledge/runs/run-1/approvals/sg-3-33333333.md");
  expect(toApprovalId("knowledge/runs", "Run-1", { ...approval, gate: "RULING" })).toBe(
    "knowledge/runs/run-1/approvals/ruling-33333333.md",
  );
});

async function written(bytes: Uint8Array): Promise<string> {
  const file = join(cli.folder, "approval.md");
  await writeFile(file, bytes);
  return file;
}
