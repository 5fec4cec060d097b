// Somebody who does what explain says and reads nothing else: types each command, signs where a signature is asked for, until nothing more
// is to be done.
import type { Next, NextStep } from "../../orchestrator/core/run/next-step.ts";

/** The world in which the commands are typed. */
export interface Operator {
  explain(): Promise<NextStep>;
  /** Types one command as it stands. */
  type(argv: readonly string[]): Promise<void>;
  /** Fills and signs what the draft's command left. */
  sign(gate: Extract<Next, { readonly sign: string }>["sign"], draft: readonly string[]): Promise<void>;
  /** Everything that a step may move, as one text: two equal ones in a row are a loop. */
  look(): Promise<string>;
}

const stepsMax = 20;

/** The steps that were taken, and the last word. @throws when a step moved nothing, or when there is no end of steps */
export async function follow(operator: Operator): Promise<{ readonly steps: readonly string[]; readonly end: NextStep }> {
  const steps: string[] = [];
  let before = await operator.look();
  for (;;) {
    const step = await operator.explain();
    const { next } = step;
    if (next === null) return { steps, end: step };
    if (steps.length === stepsMax) throw new Error(`no end of steps:\n${steps.join("\n")}`);
    if ("command" in next) {
      steps.push(next.command.join(" "));
      await operator.type(next.command);
    } else {
      steps.push(`sign ${next.sign}`, next.use.join(" "));
      await operator.type(next.draft);
      await operator.sign(next.sign, next.draft);
      await operator.type(next.use);
    }
    const after = await operator.look();
    if (after === before) throw new Error(`the last step moved nothing:\n${steps.join("\n")}\n${JSON.stringify(step)}`);
    before = after;
  }
}
