// cutter contract check: the database against sql/contract. cutter contract capture: the real one, for a person to compare.
import { buildCommand } from "@stricli/core";
import { loadConfig } from "../config/load.ts";
import { CutterError } from "../core/errors.ts";
import type { CutterContext } from "./context.ts";
import { commonFlags, print, ranAsCutter, type CommonFlags } from "./flags.ts";

export const contractCheckCommand = buildCommand<CommonFlags, [], CutterContext>({
  docs: { brief: "Compare the database with sql/contract, read-only" },
  parameters: { flags: commonFlags },
  func: async function (this: CutterContext, flags) {
    if (await ranAsCutter(this)) return;
    const config = await loadConfig(this.services.files, this.services.paths.config);
    const database = await this.services.openDatabase(config.value);
    try {
      const findings = await database.readContractFindings();
      const lines = findings.map((finding) => `${finding.object}: expected ${finding.expected}, found ${finding.found}`);
      print(
        this,
        flags,
        { schema: "cutter.contract-check/1", matches: findings.length === 0, findings },
        findings.length === 0 ? ["[OK] the database is what sql/contract describes"] : lines,
      );
      if (findings.length > 0) throw new CutterError("CONTRACT_MISMATCH", { findings: findings.length, first: findings[0]?.object ?? "" });
    } finally {
      await database.close();
    }
  },
});

export const contractCaptureCommand = buildCommand<CommonFlags, [], CutterContext>({
  docs: { brief: "Print what the database really has, read-only" },
  parameters: { flags: commonFlags },
  func: async function (this: CutterContext, flags) {
    if (await ranAsCutter(this)) return;
    const config = await loadConfig(this.services.files, this.services.paths.config);
    const database = await this.services.openDatabase(config.value);
    try {
      const catalogue = await database.captureContract();
      print(this, flags, { schema: "cutter.contract-capture/1", catalogue }, [JSON.stringify(catalogue, null, 2)]);
    } finally {
      await database.close();
    }
  },
});
