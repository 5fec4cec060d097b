// What is no refusal but a finding: up succeeds, and the survey says what a live run would stop at.
import { run, sql } from "../../e2e.ts";
import { withStackConfig } from "../refusal.ts";
import { up } from "../../stack.ts";
import type { Trial } from "../trials.ts";

interface Survey {
  readonly gaps: readonly { readonly id: string; readonly state: string; readonly evidence: readonly string[] }[];
  readonly findings: readonly { readonly code: string; readonly severity: string; readonly summary: string }[];
}

/** up ends well in spite of `make`, and the survey's text shows each of `says`. */
function finding(name: string, says: readonly string[], make: () => Promise<() => Promise<unknown> | void>): Trial {
  return {
    name,
    run: async () => {
      const undo = await make();
      try {
        const { code, output } = await up();
        if (code !== 0) throw new Error(`${name}: up failed with ${code}:\n${output}`);
        const { output: text } = await run(["node", "runbooks/survey.ts", "--stack", "sandbox", "--json"]);
        const survey = JSON.parse(text) as Survey;
        const told = [
          ...survey.findings.map((found) => `${found.code} ${found.summary}`),
          ...survey.gaps.flatMap((gap) => gap.evidence.map((line) => `${gap.id} ${gap.state}: ${line}`)),
        ];
        return says
          .map((words) => {
            const line = told.find((candidate) => candidate.includes(words));
            if (line === undefined) throw new Error(`${name}: the survey does not say ${words}; it says:\n${told.join("\n")}`);
            return `up 0; ${line}`;
          })
          .join(" | ");
      } finally {
        await undo();
        await up();
      }
    },
  };
}

export const findings: readonly Trial[] = [
  finding("a database role that is missing", ["cutter_verify"], async () => {
    await sql("alter role cutter_verify rename to cutter_verify_gone");
    return () => sql("alter role cutter_verify_gone rename to cutter_verify");
  }),
  finding("a psql login that is missing", ["psql ended with"], async () =>
    withStackConfig({ "cutter-kit:psql": ["docker", "exec", "-i", "postgres", "psql", "-U", "nobody_there", "-d", "directus"] }),
  ),
  finding("a contract that does not match", ["CONTRACT_MISMATCH"], async () => {
    await sql("alter table cutter_governance.verify_result rename column verified_at to trial_column");
    return () => sql("alter table cutter_governance.verify_result rename column trial_column to verified_at");
  }),
];
