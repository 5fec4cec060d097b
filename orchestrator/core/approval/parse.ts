// An approval document, read strictly: bytes in, one typed approval out. Says nothing yet about who signed it or what it is for.
import type { z } from "zod";
import { approvalSchema, toApprovedDecisions, type Approval } from "./schema.ts";
import { approvalBytesMax, blockName, readApprovalBlock, refuseForbidden } from "./block.ts";
import { CutterError } from "../errors.ts";
import { parseStrictJson, type JsonValue } from "../encoding/strict-json.ts";

/** Placeholders of a draft: `@NAME@`. No field of an approval may hold one. */
const approvalPlaceholder = /@[A-Z][A-Z0-9_]*@/;

const depthMax = 4;

/**
 * Pure. The same bytes must be given to the signature check.
 * @throws APPROVAL_TEXT_INVALID,
 * APPROVAL_PLACEHOLDER, APPROVAL_TEXT_INVALID, APPROVAL_UUID_REUSED
 */
export function parseApproval(bytes: Uint8Array): Approval {
  const approval = parseBlock(bytes, blockName, approvalSchema);
  checkBatch(approval);
  return approval;
}

/** The same strictness for any signed document of one block. @throws as `parseApproval`, but for the batch's two */
export function parseBlock<T>(bytes: Uint8Array, name: string, schema: z.ZodType<T>): T {
  const value = parseStrictJson(readApprovalBlock(bytes, name), {
    code: "APPROVAL_TEXT_INVALID",
    reason: "json",
    charactersMax: approvalBytesMax,
    depthMax,
  });
  checkStrings(value, "");
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw toFieldError(parsed.error.issues[0], value);
  return parsed.data;
}

function checkStrings(value: JsonValue, at: string): void {
  if (typeof value === "string") {
    refuseForbidden(value, at === "" ? "(top)" : at);
    const found = approvalPlaceholder.exec(value)?.[0];
    if (found !== undefined) throw new CutterError("APPROVAL_PLACEHOLDER", { field: at, found });
  }
  if (typeof value !== "object" || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    refuseForbidden(name, `the name of a field in ${at === "" ? "(top)" : at}`);
    checkStrings(member, at === "" ? name : `${at}.${name}`);
  }
}

/**
 * A UUID is spent once: the database keeps it per (document, phase), so one UUID for two decisions would let the second pass as the first.
 */
function checkBatch(approval: Approval): void {
  const decisions = toApprovedDecisions(approval);
  for (const [index, decision] of decisions.entries()) {
    const at = `entries.${String(index - 1)}`;
    const before = decisions.slice(0, index);
    if (before.some((other) => other.review_decision_id === decision.review_decision_id))
      throw new CutterError("APPROVAL_UUID_REUSED", { reason: "collapsed", at, review_decision_id: decision.review_decision_id });
    // Run ids that differ only in case are one run (decision 11).
    if (before.some((other) => other.run_id.toLowerCase() === decision.run_id.toLowerCase()))
      throw new CutterError("APPROVAL_TEXT_INVALID", { reason: "entry_doubled", at, run_id: decision.run_id });
    if (before.some((other) => other.document_id === decision.document_id))
      throw new CutterError("APPROVAL_TEXT_INVALID", { reason: "entry_doubled", at, document_id: decision.document_id });
  }
}

function toFieldError(issue: z.core.$ZodIssue | undefined, value: JsonValue): CutterError {
  if (issue === undefined) return new CutterError("APPROVAL_TEXT_INVALID", { reason: "field", problem: "does not fit" });
  const path = issue.path.map(String);
  const at = (names: readonly string[]): string => (names.length === 0 ? "(top)" : names.join("."));
  if (issue.code === "unrecognized_keys")
    return new CutterError("APPROVAL_TEXT_INVALID", {
      reason: "field",
      field: at([...path, issue.keys[0]?.slice(0, 80) ?? ""]),
      expected: "no such field",
      found: "present",
    });
  return new CutterError("APPROVAL_TEXT_INVALID", {
    reason: "field",
    field: at(path),
    expected: toExpected(issue),
    found: issue.code === "invalid_type" ? toFoundType(value, path) : toFound(value, path),
  });
}

/** With its type, where it is the type that is wrong: `1` may be a number or a text. */
function toFoundType(value: JsonValue, path: readonly string[]): string {
  const found = readAt(value, path);
  return ["string", "number"].includes(typeof found)
    ? `the ${typeof found === "string" ? "text" : "number"} ${toFound(value, path)}`
    : toFound(value, path);
}

function toExpected(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return issue.expected === "string"
        ? "a text, in quotes"
        : ["number", "int"].includes(issue.expected)
          ? "a number, no quotes"
          : issue.expected;
    case "invalid_value":
      return issue.values.map(String).join(" or ");
    case "invalid_union":
      return "SG_1, SG_2, SG_3, RULING or REVERT";
    case "too_small":
      return `at least ${String(issue.minimum)}`;
    case "too_big":
      return `at most ${String(issue.maximum)}`;
    default:
      return issue.message;
  }
}

/** What stands there, cut short: an approval is no secret, but a page of it helps nobody. */
function toFound(value: JsonValue, path: readonly string[]): string {
  const found = readAt(value, path);
  if (found === undefined) return "nothing";
  if (typeof found === "object") return Array.isArray(found) ? "a list" : found === null ? "null" : "an object";
  return String(found).slice(0, 80);
}

function readAt(value: JsonValue, path: readonly string[]): unknown {
  let found: unknown = value;
  for (const name of path)
    found = typeof found === "object" && found !== null && Object.hasOwn(found, name) ? (Reflect.get(found, name) as unknown) : undefined;
  return found;
}
