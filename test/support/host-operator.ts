// Somebody on the operator's machine who types what explain says, on the booted host: the real runbooks, the real commands, the real keys.
import { nextStepSchema } from "../../orchestrator/core/run/next-step.ts";
import { fillAndSign } from "./approvals.ts";
import { onHost, run, type Ended } from "./e2e.ts";
import type { Operator } from "./follow.ts";

export interface HostOperator extends Operator {
  readonly typed: readonly Ended[]; // what each command came to
}

export function makeHostOperator(runId: string): HostOperator {
  const typed: Ended[] = [];
  return {
    typed,
    explain: async () => nextStepSchema.parse(JSON.parse((await onHost(`cutter orchestrate explain --json --run-id ${runId}`)).stdout)),
    type: async (argv) => {
      if (argv[0] !== "cutter") return void typed.push(await run(argv));
      const { code, stdout, stderr } = await onHost(argv.join(" "));
      typed.push({ code: code ?? 70, output: `${stdout}${stderr}` });
    },
    sign: async (gate) => void (await fillAndSign(runId, gate, gate === "RULING" ? { starts: 5 } : {})),
    look: async () =>
      (
        await onHost(
          `cutter kill-switch status; sha256sum /var/lib/cutter/runs/${runId}/journal.jsonl /var/lib/cutter-ledger/spent.jsonl; ` +
            `ls /run/cutter/armed /run/cutter/live /var/lib/cutter/runs/${runId}`,
        )
      ).stdout,
  };
}
