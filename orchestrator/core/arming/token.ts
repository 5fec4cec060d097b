// token.json of an armed run: the reviewed flip of the kill switch, for one run, bound to everything that was approved (decision 13).
import { z } from "zod";
import { escalatingPhases, sharedFields } from "../approval/schema.ts";
import { CutterError } from "../errors.ts";
import { parseStrictJson } from "../encoding/strict-json.ts";

/** By then it must have been started; a ruling that ends earlier ends it earlier. */
export const armMinutesMax = 60;
export const tokenBytesMax = 16 * 1024;

const { sha256, uuid, time, documentId, distinctCodes, scope } = sharedFields;
const fingerprint = z.string().regex(/^[0-9A-F]{40}$/, "40 upper-case hex digits");
const pinnedKey = z.strictObject({ fingerprint, sha256 });

const armTokenSchema = z
  .strictObject({
    schema: z.literal("cutter.token/1"),
    ...scope,
    request_sha256: sha256, // of /etc/cutter/requests/<run_id>.yaml
    issued_at: time,
    expires_at: time,
    start: z.int().min(1), // which start of the ruling this is
    starts: z.int().min(1).max(5),
    ruling_sha256: sha256,
    accepts: distinctCodes,
    human_signers: z.union([z.literal(1), z.literal(2)]),
    keys: z.strictObject({ sovereign: pinnedKey, architect: pinnedKey.nullable(), backup: pinnedKey }),
    // The signed decision on a failed phase that this start carries, if any; `kb_id` is where it was uploaded.
    decision: z
      .strictObject({
        gate: z.literal("SG_3"),
        decision: z.enum(["resume", "void"]),
        phase: z.enum(escalatingPhases),
        review_decision_id: uuid,
        document_sha256: sha256,
        kb_id: documentId,
      })
      .nullable(),
  })
  .refine(
    ({ issued_at, expires_at }) =>
      Date.parse(expires_at) > Date.parse(issued_at) && Date.parse(expires_at) - Date.parse(issued_at) <= armMinutesMax * 60_000,
    {
      path: ["expires_at"],
      message: `after issued_at, by at most ${String(armMinutesMax)} minutes`,
    },
  )
  .refine(({ start, starts }) => start <= starts, { path: ["start"], message: "at most starts" })
  .refine(({ human_signers, keys }) => (human_signers === 2) === (keys.architect !== null), {
    path: ["human_signers"],
    message: "two exactly where an architect's key is pinned",
  });

export type ArmToken = z.infer<typeof armTokenSchema>;

/** Names of the files beside token.json; `started_at` appears when root moves the token from armed/ to live/. */
export const tokenFiles = {
  token: "token.json",
  startedAt: "started_at",
  ruling: "ruling.md",
  rulingSovereign: "ruling.md.sovereign.asc",
  rulingArchitect: "ruling.md.architect.asc",
  decision: "sg-3.md",
  decisionSignature: "sg-3.md.asc",
} as const;

/** Exactly the files this token's folder holds while it is live. Pure. */
export function toTokenFileNames(token: ArmToken): readonly string[] {
  const { token: json, startedAt, ruling, rulingSovereign, rulingArchitect, decision, decisionSignature } = tokenFiles;
  const names = [
    json,
    startedAt,
    ruling,
    rulingSovereign,
    ...(token.keys.architect === null ? [] : [rulingArchitect]),
    ...(token.decision === null ? [] : [decision, decisionSignature]),
  ];
  return names.toSorted();
}

/** Pure. @throws TOKEN_INVALID naming the field */
export function parseArmToken(bytes: Uint8Array): ArmToken {
  const value = parseStrictJson(toText(bytes), { code: "TOKEN_INVALID", charactersMax: tokenBytesMax, depthMax: 4 });
  const parsed = armTokenSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CutterError("TOKEN_INVALID", {
    field: issue === undefined ? "(top)" : issue.path.map(String).join(".") || "(top)",
    problem: issue?.message ?? "does not fit",
  });
}

function toText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CutterError("TOKEN_INVALID", { problem: "not UTF-8" });
  }
}
