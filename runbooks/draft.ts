// draft: fetches one approval document to sign, as `explain` asks for it: a further SG_2, an SG_3, a fresh ruling, a REVERT.
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { approvalGates } from "../orchestrator/core/approval/schema.ts";
import { codes } from "../orchestrator/core/codes/index.ts";
import { CutterError } from "../orchestrator/core/errors.ts";
import { parseRunId } from "../orchestrator/core/run-id.ts";
import { toStaleLines, writeDraft } from "./drafts.ts";
import { runScript, toRequired } from "./script.ts";
import { readStack, stackOptions, withHost } from "./stack.ts";

const usage = `runbooks/draft --run-id R --gate G [--phase P --decision resume|void] [--stack S] [--host H]
  Writes the draft of one approval to approvals/R/ here, with the commands to fill and sign it. Nothing is enabled by it.
  --gate G       ${approvalGates.join(", ")}
  --phase P      SG_3 only: the phase that failed, as cutter orchestrate explain names it
  --decision D   SG_3 only: resume, or void to give the run up
  A draft that is there and signed is set aside under a number; one that is not signed yet stays as it is.
--stack S is Pulumi.S.yaml here; without it the only one there is. --host H: one of the stack's hosts, where it has several.
Exit: 0 done · 2 usage · 10 refused, nothing written, or the draft that is there says something else · 78 configuration`;

await runScript(usage, async () => {
  const { values } = parseArgs({
    options: {
      ...stackOptions,
      "run-id": { type: "string" },
      gate: { type: "string" },
      phase: { type: "string" },
      decision: { type: "string" },
    },
  });
  const runId = parseRunId(toRequired(values["run-id"], "--run-id"), { allowDryRunSuffix: false });
  const wanted = toRequired(values.gate, "--gate");
  const gate = approvalGates.find((name) => name === wanted);
  if (gate === undefined) throw new CutterError("USAGE_INVALID", { option: "--gate", found: wanted.slice(0, 80), known: approvalGates });
  const more = (["phase", "decision"] as const).flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [`--${name}`, value];
  });
  const config = readStack(values.stack);
  return await withHost(config, values.host, async (host) => {
    console.log(`[INFO] host ${host.address.name} of stack ${config.stack}: the draft of ${gate} for ${runId}`);
    const draft = await writeDraft(host, runId, gate, { more, fresh: true });
    const { file, commands, kept } = draft;
    if (draft.stale.length > 0) {
      for (const line of toStaleLines([draft])) console.log(line);
      return codes.SIGN_NOTHING.exit;
    }
    console.log(
      `[OK]   ${gate}: ${file}${kept ? " was there, not signed, and was left as it is" : ""}. To fill and sign it, in ${dirname(file)}/:`,
    );
    for (const command of commands) console.log(`    ${command}`);
    return 0;
  });
});
