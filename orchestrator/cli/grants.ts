// cutter grants: the effective grant matrix, its canonical text and sha256.
import { buildCommand } from "@stricli/core";
import { loadConfig } from "../config/load.ts";
import { governancePrincipals, revertPrincipals, type OrchestratorConfig } from "../core/config-schema.ts";
import { toMatrixPrincipals } from "../core/database/grant-matrix.ts";
import type { CutterContext } from "./context.ts";
import { commonFlags, print, ranAsCutter, type CommonFlags } from "./flags.ts";

interface Flags extends CommonFlags {
  readonly "governance-principal"?: (typeof governancePrincipals)[number];
  readonly "revert-principal"?: (typeof revertPrincipals)[number];
}

export const grantsCommand = buildCommand<Flags, [], CutterContext>({
  docs: {
    brief: "Print the effective grant matrix and its sha256",
    fullDescription:
      "The matrix shows the rights of the programme's roles and of the principals that are pinned, so each principal that is pinned " +
      "changes its sha256. Name here those that are to be pinned: what is printed then is the sha256 to pin together with them, in one " +
      "change of the stack.",
  },
  parameters: {
    flags: {
      ...commonFlags,
      "governance-principal": {
        kind: "enum",
        values: governancePrincipals,
        brief: "As if orchestrator:governance_principal were this",
        optional: true,
      },
      "revert-principal": {
        kind: "enum",
        values: revertPrincipals,
        brief: "As if orchestrator:revert_principal were this",
        optional: true,
      },
    },
  },
  func: async function (this: CutterContext, flags) {
    if (await ranAsCutter(this)) return;
    const config = await loadConfig(this.services.files, this.services.paths.config);
    const database = await this.services.openDatabase(config.value);
    try {
      const pins = {
        governance_principal: flags["governance-principal"] ?? config.value.governance_principal,
        revert_principal: flags["revert-principal"] ?? config.value.revert_principal,
      };
      const principals = toMatrixPrincipals(pins);
      const matrix = await database.readGrantMatrix(principals);
      const expected = config.value.expected_grant_matrix_sha;
      const found = {
        schema: "cutter.grants/1",
        principals,
        pins,
        sha256: matrix.sha256,
        expected_sha256: expected,
        matches: matrix.sha256 === expected,
        text: matrix.text,
      };
      print(this, flags, found, [
        matrix.text.trimEnd(),
        `sha256 ${matrix.sha256}`,
        `expected ${expected} (${found.matches ? "equal" : "DIFFERENT"})`,
        ...toPinLines(pins, config.value, matrix.sha256),
      ]);
    } finally {
      await database.close();
    }
  },
});

type Pins = Pick<OrchestratorConfig, "governance_principal" | "revert_principal">;

/** What to pin at once, where the principals asked for are not those that are pinned. Pure. */
function toPinLines(asked: Pins, pinned: Pins, sha256: string): readonly string[] {
  if (asked.governance_principal === pinned.governance_principal && asked.revert_principal === pinned.revert_principal) return [];
  return [
    "[INFO] after a person has looked at it, to be pinned together, then pulumi up once:",
    ...Object.entries(asked).flatMap(([name, role]) => (role === null ? [] : [`  orchestrator:${name}: ${role}`])),
    `  orchestrator:expected_grant_matrix_sha: ${sha256}`,
  ];
}
