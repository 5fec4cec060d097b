// What a root helper prints, or its own refusal: code, facts and remedy arrive as the helper gave them.
import { spawn } from "node:child_process";
import { CutterError } from "../../core/errors.ts";
import { parseRefusalOutput } from "../../core/host/refusal-output.ts";

const outputBytesMax = 4 * 1024 * 1024;

/**
 * `file` with `args`; its stderr goes to ours.
 * @throws the helper's refusal; SURVEY_FACTS_UNREADABLE when it did not start, was stopped, or ended without telling why
 */
export function readHelper(file: string, args: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((done, fail) => {
    const step = `cutter-root ${args.join(" ")}`;
    const child = spawn(file, args, { env, stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
      if (text.length > outputBytesMax) child.kill();
    });
    child.on("error", (cause) => fail(new CutterError("SURVEY_FACTS_UNREADABLE", { step, problem: "did not start" }, { cause })));
    child.on("close", (code, signal) => {
      if (code === 0) done(text);
      else fail(parseRefusalOutput(text) ?? new CutterError("SURVEY_FACTS_UNREADABLE", { step, exit_code: code, signal }));
    });
  });
}
