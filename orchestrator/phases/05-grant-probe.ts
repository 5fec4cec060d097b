// Phase 5: who may do what, in effect; and forbidden actions proven refused without risking them.
import { z } from "zod";
import { refuseIf, toVerdict } from "../core/run/verdict.ts";
import { toFence } from "../core/page/markdown.ts";
import { toMatrixPrincipals } from "../core/database/grant-matrix.ts";
import { toSurplusRights } from "../core/database/surplus-rights.ts";
import type { LoginName } from "../ports/database.ts";
import { readPhase } from "./define.ts";
import { sha256 } from "./schemas.ts";

const probe = z.strictObject({ login: z.string(), action: z.string(), refused: z.boolean(), sqlState: z.string().nullable() });
const output = z.strictObject({
  principals: z.array(z.string()),
  matrixText: z.string(),
  matrixSha256: sha256,
  expectedSha256: sha256,
  probes: z.array(probe),
});

const shownSurplusMax = 5;

export const grantProbe = readPhase({
  name: "grant_probe",
  needs: {},
  output,
  observe: async ({ database, run }) => {
    const principals = toMatrixPrincipals(run.config);
    return {
      config: run.config,
      principals,
      matrix: await database.readGrantMatrix(principals),
      probes: await database.probeForbiddenActions(),
    };
  },
  precondition: ({ config, matrix, probes }) =>
    toVerdict(
      refuseIf(config.governance_principal === null, "PRINCIPAL_NOT_PINNED", { step: "grant_probe" }),
      // The way back is tested before the way forward: a run that nobody could revert must not begin.
      refuseIf(config.revert_principal === null, "REVERT_PRINCIPAL_NOT_PINNED", { step: "grant_probe" }),
      refuseIf(matrix.sha256 !== config.expected_grant_matrix_sha, "GRANT_MATRIX_MISMATCH", {
        expected_sha256: config.expected_grant_matrix_sha,
        found_sha256: matrix.sha256,
      }),
      ...probedLogins(config.governance_principal).map((login) =>
        refuseIf(!probes.some((tried) => tried.login === login), "FORBIDDEN_ACTIONS_UNTRIED", { login }),
      ),
      ...toSurplusRights(matrix.text, config).map(({ principal, lines }) =>
        refuseIf(true, "PRINCIPAL_TOO_STRONG", { principal, surplus: lines.length, first: lines.slice(0, shownSurplusMax) }),
      ),
      ...probes.map((tried) =>
        refuseIf(!tried.refused, "FORBIDDEN_RIGHT_PRESENT", { login: tried.login, action: tried.action, sqlstate: tried.sqlState }),
      ),
    ),
  conclude: ({ config, principals, matrix, probes }) => ({
    principals: [...principals],
    matrixText: matrix.text,
    matrixSha256: matrix.sha256,
    expectedSha256: config.expected_grant_matrix_sha,
    probes: probes.map((tried) => ({ ...tried })),
  }),
  files: ({ matrixText }) => [{ name: "grant-matrix.txt", content: matrixText }],
  text: (found) => ({
    summary:
      `grant matrix ${found.matrixSha256 === found.expectedSha256 ? "as expected" : "differs from the expected one"}, ` +
      `${String(found.probes.filter((tried) => tried.refused).length)} of ${String(found.probes.length)} forbidden actions ` +
      "refused",
    facts: [
      ["principals", found.principals.join(" ")],
      ["matrix sha256", found.matrixSha256],
      ["expected sha256", found.expectedSha256],
      ["matrix lines", found.matrixText.split("\n").length - 1],
    ],
    sections: [
      {
        title: "Forbidden actions, tried inside READ ONLY",
        body: found.probes
          .map(
            (tried) => `- ${tried.login}: ${tried.action}: ${tried.refused ? "refused" : "NOT refused"} (${tried.sqlState ?? "no error"})`,
          )
          .join("\n"),
      },
      { title: "The matrix in canonical form", body: toFence(found.matrixText, "text").join("\n") },
    ],
  }),
});

/** Nothing tried proves nothing: each of these must have been refused at least once. */
function probedLogins(governancePrincipal: string | null): readonly LoginName[] {
  return ["context_pack_readonly", "cutter_exec", "cutter_verify", ...(governancePrincipal === null ? [] : ["governance" as const])];
}
