// notify_command: tells somebody of a stop. Names and codes only; no secret, nothing inherited, a bounded time.
import { CutterError, toCodeText } from "../../core/errors.ts";
import type { StopNotice } from "../../ports/notice.ts";
import { runProcess } from "./run-process.ts";

const deadlineMs = 10_000;
const keepBytesMax = 4096;

/** The configured argv, followed by run id, code, exit code and what the run waits on (`-` for nothing). @throws NOTIFY_FAILED */
export function notifyCommand(command: readonly string[]): (stop: StopNotice) => Promise<void> {
  return async ({ runId, code, exitCode, waitsOn }) => {
    const [file = "", ...args] = command;
    const argv = [...args, runId, code, String(exitCode), waitsOn ?? "-"];
    const ended = await runProcess({
      file,
      args: argv,
      env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
      stdin: null,
      stdout: "keep",
      deadlineMs,
      keepBytesMax,
    }).catch((cause: unknown) => {
      throw new CutterError(
        "NOTIFY_FAILED",
        { command: file, problem: cause instanceof CutterError ? toCodeText(cause) : "not run" },
        { cause },
      );
    });
    if (ended.code !== 0) throw new CutterError("NOTIFY_FAILED", { command: file, exit: ended.code });
  };
}
