// A command of the checkout that goes on while the test does something to it: what it has said so far, and its end.
import { spawn } from "node:child_process";
import { checkout, until, type Ended } from "./e2e.ts";

export interface Watched {
  readonly ended: Promise<Ended>;
  /** @throws when it ended before it said so */
  said(text: string): Promise<void>;
  interrupt(): void; // Ctrl-C
}

export function watch(argv: readonly string[], deadlineMs = 240_000): Watched {
  const [command = "", ...args] = argv;
  const child = spawn(command, args, { cwd: checkout, stdio: ["ignore", "pipe", "pipe"], timeout: deadlineMs, killSignal: "SIGKILL" });
  let output = "";
  let over = false;
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const ended = new Promise<Ended>((done, fail) => {
    child.on("error", fail);
    child.on("close", (code) => {
      over = true;
      done({ code: code ?? 70, output });
    });
  });
  return {
    ended,
    said: async (text) => {
      await until(() => Promise.resolve(over || output.includes(text) ? true : null));
      if (!output.includes(text)) throw new Error(`it never said ${text}:\n${output}`);
    },
    interrupt: () => void child.kill("SIGINT"),
  };
}
