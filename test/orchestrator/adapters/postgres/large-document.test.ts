// A large document: many statements of one transaction, many pages of one read, and a digest whose time grows with the rows and not with
// their square.
import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { CreateUnits } from "../../../../orchestrator/ports/write-database.ts";
import { registerDocument, type CutDocument } from "../../../support/database/cut-by-sql.ts";
import { makePermission } from "../../../support/write-permission.ts";
import { startWriteWorld, type WriteWorld } from "../../../support/worlds/write-world.ts";

let world: WriteWorld;
beforeAll(async () => {
  world = await startWriteWorld();
}, 60_000);
afterAll(() => world.stop());

/** Each unit's parent is the one before it at a tenth of its place: parents lie in other statements than their children. */
async function toRequest(document: CutDocument, bodies: readonly string[]): Promise<CreateUnits> {
  const toAddress = (ordinal: number): string => `${document.docCode}/large/${String(ordinal)}`;
  let end = 0;
  const units = bodies.map((body, ordinal) => {
    const byteStart = end;
    end += Buffer.byteLength(body);
    return {
      idempotencyKey: `${document.runId}:${String(ordinal)}`,
      address: toAddress(ordinal),
      docCode: document.docCode,
      parent: ordinal === 0 ? null : toAddress(Math.floor(ordinal / 10)),
      kind: "section",
      ordinal,
      headingPath: "x",
      byteStart,
      byteEnd: end,
      bodySha256: createHash("sha256").update(body).digest("hex"),
      sourceVersionId: document.sourceVersionId,
      body,
    };
  });
  const plannedAddresses = units.map(({ address }) => address);
  const { sha256: fromDigest } = await world.database.readDocumentDigest(document.documentId, plannedAddresses);
  return {
    runId: document.runId,
    documentId: document.documentId,
    fromDigest,
    plannedAddresses,
    reviewDecisionId: await world.decide(document),
    units,
  };
}

async function cut(bodies: readonly string[]): Promise<{ readonly document: CutDocument; readonly request: CreateUnits }> {
  const document = await registerDocument(world.server);
  const request = await toRequest(document, bodies);
  await world.writer().createUnits(makePermission(document.runId, "cut_leg_a").permission, request);
  const read = createHash("sha256");
  expect(await world.recorders.readBodies(document.documentId, document.runId, (_ordinal, body) => read.update(body))).toBe(bodies.length);
  expect(read.digest("hex")).toBe(createHash("sha256").update(bodies.join("")).digest("hex"));
  return { document, request };
}

it("10,000 units are one transaction, in order, whole; and its digest takes no minutes", async () => {
  const { document, request } = await cut(Array.from({ length: 10_000 }, (_, ordinal) => `## Điều ${String(ordinal)}\r\n`));
  const units = await world.recorders.readUnits(document.documentId, document.runId);
  expect(units.map(({ address, parent, storedBodySha256 }) => ({ address, parent, storedBodySha256 }))).toEqual(
    request.units.map(({ address, parent, bodySha256 }) => ({ address, parent, storedBodySha256: bodySha256 })),
  );
  const begun = performance.now();
  const { unitCount, plannedAddressesTaken } = await world.database.readDocumentDigest(document.documentId, request.plannedAddresses);
  expect(performance.now() - begun).toBeLessThan(8_000); // 0.3 s; compared each with each it was 19 s
  expect({ unitCount, taken: plannedAddressesTaken.length }).toEqual({ unitCount: 10_000, taken: 10_000 });
}, 60_000);

it("bodies of megabytes are spread over several statements, so that each is one the server can take", async () => {
  const { document } = await cut(["a", "ü", "\u2028"].flatMap((letter) => [letter.repeat(3_000_000), `${letter}\n`]));
  expect(await world.recorders.readUnits(document.documentId, document.runId)).toHaveLength(6);
}, 60_000);
