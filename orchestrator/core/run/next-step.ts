// The one safe next step of a run, as data: a command, a signature and what takes it, or nothing more to do. Told by explain and by every
// stop; read by runbooks and by whoever follows it without reading the rest.
import { z } from "zod";
import { approvalGates } from "../approval/schema.ts";

/** As typed: those that begin with `runbooks/` in the checkout, `cutter` on the host. */
const argvSchema = z.array(z.string().min(1)).min(1).readonly();

const nextSchema = z.union([
  z.object({ command: argvSchema }).readonly(),
  z.object({ sign: z.enum(approvalGates), draft: argvSchema, use: argvSchema }).readonly(), // use: once it is signed
  z.null(), // the run is done, given up or reverted, or nothing but a new run can come of it: `why` says which
]);

export const nextStepSchema = z.object({ next: nextSchema, why: z.string(), who: z.string() }).readonly();

export type Next = z.infer<typeof nextSchema>;
export type NextStep = z.infer<typeof nextStepSchema>;

/** The signed document of a gate in the checkout, where `runbooks/prepare` and `runbooks/draft` write it. Pure. */
export function toApprovalFile(runId: string, gate: (typeof approvalGates)[number]): string {
  return `approvals/${runId}/${runId}.${gate}.md`;
}

/** A runbook's command with these flags, in the place of those it has: what runs on the host needs none. Pure. */
export function withFlags(argv: readonly string[], flags: Readonly<Record<string, string>>): readonly string[] {
  if (argv[0]?.startsWith("runbooks/") !== true) return argv;
  const kept = argv.filter((word, index) => !Object.hasOwn(flags, word) && !Object.hasOwn(flags, argv[index - 1] ?? ""));
  return [...kept, ...Object.entries(flags).flat()];
}

/** The same step for one stack: its runbooks are told which, so that each line works as typed. Pure. */
export function withStack(step: NextStep, flags: Readonly<Record<string, string>>): NextStep {
  const { next } = step;
  if (next === null) return step;
  return {
    ...step,
    next:
      "command" in next
        ? { command: withFlags(next.command, flags) }
        : { sign: next.sign, draft: withFlags(next.draft, flags), use: withFlags(next.use, flags) },
  };
}

/** The step as plain lines: what to type, and who acts first. Pure. */
export function toNextLines(step: NextStep, flags: Readonly<Record<string, string>> = {}): readonly string[] {
  const { next, why, who } = withStack(step, flags);
  const lines =
    next === null
      ? [`next:     nothing: ${why}`]
      : "command" in next
        ? [`next:     ${toTyped(next.command)}`, `because:  ${why}`]
        : [`next:     sign ${next.sign}, drafted by: ${toTyped(next.draft)}`, `then:     ${toTyped(next.use)}`, `because:  ${why}`];
  return [...lines, `who:      ${who}`];
}

/** One shell line. Words that hold anything but plain characters are quoted. Pure. */
export function toTyped(argv: readonly string[]): string {
  return argv.map((word) => (/^[A-Za-z0-9._:/@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`)).join(" ");
}
