// cutter grants: the effective grant matrix, its canonical text and sha256.
import { buildCommand } from "@stricli/core";
import { loadConfig } from "../config/load.ts";
import { toMatrixPrincipals } from "../core/database/grant-matrix.ts";
import type { CutterContext } from "./context.ts";
import { commonFlags, print, ranAsCutter, type CommonFlags } from "./flags.ts";

export const grantsCommand = buildCommand<CommonFlags, [], CutterContext>({
  docs: { brief: "Print the effective grant matrix and its sha256" },
  parameters: { flags: commonFlags },
  func: async function (this: CutterContext, flags) {
    if (await ranAsCutter(this)) return;
    const config = await loadConfig(this.services.files, this.services.paths.config);
    const database = await this.services.openDatabase(config.value);
    try {
      const principals = toMatrixPrincipals(config.value);
      const matrix = await database.readGrantMatrix(principals);
      const expected = config.value.expected_grant_matrix_sha;
      const found = {
        schema: "cutter.grants/1",
        principals,
        sha256: matrix.sha256,
        expected_sha256: expected,
        matches: matrix.sha256 === expected,
        text: matrix.text,
      };
      print(this, flags, found, [
        matrix.text.trimEnd(),
        `sha256 ${matrix.sha256}`,
        `expected ${expected} (${found.matches ? "equal" : "DIFFERENT"})`,
      ]);
    } finally {
      await database.close();
    }
  },
});
