// Words for the host's POSIX shell. A script is fixed text; everything variable is a quoted positional argument.

/** One word, whatever its bytes. NUL cannot be said in a command line and is a bug of the caller. */
export function toShellWord(text: string): string {
  if (text.includes("\0")) throw new TypeError("a shell word cannot hold NUL");
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** `sh -c SCRIPT sh ARG…`: the script sees the arguments as "$1", "$2", … and nothing is ever pasted into it. */
export function toShellCommand(script: string, args: readonly string[]): string {
  return ["exec env LC_ALL=C sh -c", toShellWord(script), "sh", ...args.map(toShellWord)].join(" ");
}
