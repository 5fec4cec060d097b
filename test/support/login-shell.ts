// root's login shell on the sandbox host, changed from outside: its files are written in the machine's own root folder, so that a shell
// that runs nothing can be put back too.
import { chmodSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toSandboxPaths } from "../../provision/sandbox/base/paths.ts";
import { checkout } from "./e2e.ts";

export interface LoginShell {
  readonly name: string;
  readonly program: string;
  /** Text of the file that it reads first, below /root. */
  readonly startUp?: readonly [file: string, text: string];
}

const bash = "/bin/bash";

/** Shells that run what they are given, each in its own grammar, and bash with what people put into its start-up file. */
export const shellsThatObey: readonly LoginShell[] = [
  { name: "sh", program: "/bin/sh" },
  { name: "a bash that greets and prints what it reads", program: bash, startUp: [".bashrc", "echo 'welcome \u001b[31m'; set -v -x\n"] },
  { name: "fish", program: "/usr/bin/fish" },
  { name: "zsh", program: "/usr/bin/zsh", startUp: [".zshenv", "print -r -- welcome; setopt nomatch\n"] },
  { name: "ksh93", program: "/usr/bin/ksh93" },
  { name: "mksh", program: "/usr/bin/mksh" },
  { name: "tcsh", program: "/usr/bin/tcsh" },
];

/** What Debian's own .bashrc does on its first lines for a shell without a person, with `exit` in place of `return`. */
export const exitingBash: LoginShell = {
  name: "a bash whose .bashrc exits",
  program: bash,
  startUp: [".bashrc", "echo welcome\ncase $- in *i*) ;; *) exit 0 ;; esac\n"],
};

export const shellNamed = (name: string): LoginShell => {
  const found = shellsThatObey.find((shell) => shell.name === name);
  if (found === undefined) throw new Error(`no shell ${name}`);
  return found;
};

/** The work is done while root logs in by that shell; what was there before is there again afterwards, also when the work fails. */
export async function withLoginShell<T>({ program, startUp }: LoginShell, work: () => Promise<T>): Promise<T> {
  const root = toSandboxPaths(checkout).rootDirectory;
  const passwd = join(root, "etc/passwd");
  const accounts = readFileSync(passwd, "utf8");
  const file = startUp === undefined ? null : join(root, "root", startUp[0]);
  const before = file !== null && existsSync(file) ? readFileSync(file) : null;
  try {
    replace(passwd, accounts.replace(/^(root:.*:)[^:\n]*$/m, `$1${program}`));
    if (file !== null) writeFileSync(file, startUp?.[1] ?? "");
    return await work();
  } finally {
    replace(passwd, accounts);
    if (file !== null && before === null) rmSync(file);
    if (file !== null && before !== null) writeFileSync(file, before);
  }
}

/** In one step: the host reads it at every login. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  chmodSync(`${file}.new`, 0o644);
  renameSync(`${file}.new`, file);
}
