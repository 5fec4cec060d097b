// Starts a program of the machine, keeps what it says, and shows beginning and end of it when it fails.
import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

const shownLines = { first: 12, last: 12 };

/** Resolves to stdout. Rejects with the exit code and an excerpt of the output. `timeoutMs` is required: nothing here may hang for ever. */
export function run(file, args, { cwd, env, timeoutMs }) {
  return new Promise((done, fail) => {
    const child = spawn(file, args, {
      cwd,
      env: env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: timeoutMs,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let all = "";
    child.stdout.setEncoding("utf8").on("data", (text) => ((stdout += text), (all += text)));
    child.stderr.setEncoding("utf8").on("data", (text) => (all += text));
    child.on("error", fail);
    child.on("close", (code, signal) => {
      if (code === 0) return done(stdout);
      fail(new Error(`${file} ${args.join(" ")} ended with ${signal ?? code}:\n${toExcerpt(all)}`));
    });
  });
}

/** npm says the cause first, Go and apt-get say it last. */
function toExcerpt(output) {
  const lines = output.trimEnd().split("\n");
  if (lines.length <= shownLines.first + shownLines.last) return lines.join("\n");
  return [...lines.slice(0, shownLines.first), "…", ...lines.slice(-shownLines.last)].join("\n");
}

/** The first executable file called `name` on PATH or in `more` folders, or null. */
export function findProgram(name, more = [], environment = process.env) {
  for (const folder of [...(environment.PATH ?? "").split(delimiter), ...more]) {
    if (folder !== "" && isExecutable(join(folder, name))) return join(folder, name);
  }
  return null;
}

export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
