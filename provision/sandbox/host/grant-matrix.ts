// The sha256 of the replica's own effective grant matrix, measured once its substrate is in: what its stack config expects.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { toGrantMatrixScript, toMatrixPrincipals } from "../../../orchestrator/core/database/grant-matrix.ts";
import { psql } from "./database.ts";
import type { Inside } from "../machine/nspawn.ts";

/** Whose rights are measured: the principals the sandbox's stack pins (the programme's note DQ_4, and the revert's own role). */
export const sandboxPrincipals = { governance_principal: "directus_secdef", revert_principal: "cutter_revert" } as const;

/** Hex sha256 of the matrix text as psql prints it. Every database and role must exist by now: they are in it. */
export async function readGrantMatrixSha(inside: Inside, checkout: string): Promise<string> {
  const matrixSql = readFileSync(`${checkout}/sql/phases/grant_probe/grant-matrix.sql`, "utf8");
  const script = toGrantMatrixScript(toMatrixPrincipals(sandboxPrincipals), matrixSql);
  const text = await inside.mustRun("grant matrix", psql("directus", "directus"), { input: script });
  return createHash("sha256").update(text).digest("hex");
}
