// Phase 3's rule: marked source → units that add up to the source, byte for byte. Pure and deterministic.
//
// Each cut point begins a unit at the first byte of its line; the unit ends where the next begins, so children are not part of their
// parent's bytes. What lies before the first cut point is the preamble (front matter, prose, headings that are no cut points); if that is
// only a BOM and blank lines it belongs to the first section instead. A document without any cut point is one unit. Parent = the nearest
// earlier section of a lower level, so level skips (# then ###) and a first heading of level 2 or 3 need no filler units.
import { AddressBook, type DocCode, documentSegment, preambleSegment } from "./address.ts";
import { sha256Hex } from "../encoding/digest.ts";
import { CutterError } from "../errors.ts";
import { bomLength, type Heading, type MarkedSource } from "./mark.ts";
import type { CutPlan, PlannedUnit } from "./schema.ts";

export const titleCharactersMax = 512;

/**
 * The units of a document in order: at least one, contiguous from 0 to the end.
 * @throws PLAN_NOT_LOSSLESS if `marked` is not of these bytes.
 */
export function toPlannedUnits(docCode: DocCode, bytes: Uint8Array, marked: MarkedSource): readonly PlannedUnit[] {
  if (marked.sourceBytes !== bytes.length || marked.sourceSha256 !== sha256Hex(bytes))
    throw new CutterError("PLAN_NOT_LOSSLESS", { reason: "marked_another_source" });
  const cuts = marked.headings.filter((heading) => heading.cut === "cut_point");
  const starts = toStarts(bytes, cuts);
  const book = new AddressBook(docCode);
  const open: { readonly level: number; readonly address: string }[] = []; // the sections the current one may lie in
  const units: PlannedUnit[] = [];
  for (const [ordinal, { byteStart, heading }] of starts.entries()) {
    const byteEnd = starts[ordinal + 1]?.byteStart ?? bytes.length;
    const range = { ordinal, byteStart, byteEnd, sha256: sha256Hex(bytes.subarray(byteStart, byteEnd)) };
    if (heading === null) {
      const kind = cuts.length === 0 ? "document" : "preamble";
      units.push({
        address: `${docCode}/${kind === "document" ? documentSegment : preambleSegment}`,
        kind,
        parent: null,
        level: 0,
        title: "",
        ...range,
      });
      continue;
    }
    while ((open.at(-1)?.level ?? 0) >= heading.level) open.pop();
    const parent = open.at(-1)?.address ?? null;
    const address = book.next(parent, heading.title);
    open.push({ level: heading.level, address });
    units.push({ address, kind: "section", parent, level: heading.level, title: toShownTitle(heading.title), ...range });
  }
  checkLossless(bytes, units);
  return units;
}

/** The plan, once the database has told `fromDigest` for the units' addresses. */
export function toCutPlan(parts: {
  readonly documentId: string;
  readonly docCode: DocCode;
  readonly sourceRevision: number;
  readonly marked: MarkedSource;
  readonly fromDigest: string;
  readonly units: readonly PlannedUnit[];
}): CutPlan {
  const { documentId, docCode, sourceRevision, marked, fromDigest, units } = parts;
  return {
    schema: "cutter.plan/1",
    documentId,
    docCode,
    sourceSha256: marked.sourceSha256,
    sourceBytes: marked.sourceBytes,
    sourceRevision,
    fromDigest,
    units,
  };
}

/** A unit's bytes: a view into the source. */
export function sliceUnit(bytes: Uint8Array, unit: Pick<PlannedUnit, "byteStart" | "byteEnd">): Uint8Array {
  return bytes.subarray(unit.byteStart, unit.byteEnd);
}

/**
 * Proof by doing: ranges are contiguous, digests match, addresses differ.
 * @throws PLAN_NOT_LOSSLESS, naming the unit and what is wrong with it.
 */
export function checkLossless(bytes: Uint8Array, units: readonly PlannedUnit[]): void {
  const addresses = new Set<string>();
  let position = 0;
  for (const [index, unit] of units.entries()) {
    const refuse = (reason: string): never => {
      throw new CutterError("PLAN_NOT_LOSSLESS", { reason, ordinal: index, address: unit.address });
    };
    if (unit.ordinal !== index) refuse("ordinal");
    if (unit.byteStart !== position || unit.byteEnd <= unit.byteStart || unit.byteEnd > bytes.length) refuse("byte_range");
    if (sha256Hex(sliceUnit(bytes, unit)) !== unit.sha256) refuse("sha256");
    if (addresses.has(unit.address)) refuse("address_twice");
    if (unit.parent !== null && !addresses.has(unit.parent)) refuse("parent_not_before");
    addresses.add(unit.address);
    position = unit.byteEnd;
  }
  if (position !== bytes.length || units.length === 0)
    throw new CutterError("PLAN_NOT_LOSSLESS", { reason: "not_the_whole_source", bytes: bytes.length, planned: position });
}

interface UnitStart {
  readonly byteStart: number;
  readonly heading: Heading | null;
}

function toStarts(bytes: Uint8Array, cuts: readonly Heading[]): readonly UnitStart[] {
  const first = cuts[0];
  if (first === undefined) return [{ byteStart: 0, heading: null }];
  const starts = cuts.map((heading): UnitStart => ({ byteStart: heading.lineByteOffset, heading }));
  if (!isBlank(bytes.subarray(bomLength(bytes), first.lineByteOffset))) return [{ byteStart: 0, heading: null }, ...starts];
  return [{ byteStart: 0, heading: first }, ...starts.slice(1)];
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d);
}

function toShownTitle(title: string): string {
  if (title.length <= titleCharactersMax) return title;
  return `${title
    .slice(0, titleCharactersMax - 1)
    .toWellFormed()
    .replace(/\ufffd$/, "")}…`;
}
