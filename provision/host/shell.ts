// Words for the host's POSIX shell. A script is fixed text; everything variable is a quoted positional argument.

/**
 * One word, whatever its bytes, for sh and for the login shell that root has: fish reads a backslash between quotes, csh an exclamation
 * mark, so both stand outside of them. (csh wants no line end between quotes either; with it no script begins, which is seen.) NUL cannot
 * be said in a command line and is a bug of the caller.
 */
export function toShellWord(text: string): string {
  if (text.includes("\0")) throw new TypeError("a shell word cannot hold NUL");
  return `'${text.replaceAll(/['\\!]/g, (character) => `'\\${character}'`)}'`;
}

const startMarkerText = "cutter-kit begins";

/** Prints the line that `toScriptOutput` looks for. */
export const startMarker = `echo '${startMarkerText}'; echo '${startMarkerText}' >&2`;

/**
 * `sh -c SCRIPT sh ARG…`: the script sees the arguments as "$1", "$2", … and nothing is ever pasted into it. Before it, a line is printed
 * on both outputs: whatever the login shell's own start-up file printed (root's .bashrc greets people) stands above that line, and
 * `toScriptOutput` takes it away.
 */
export function toShellCommand(script: string, args: readonly string[]): string {
  return ["exec env LC_ALL=C sh -c", toShellWord(`${startMarker}\n${script}`), "sh", ...args.map(toShellWord)].join(" ");
}

/** What the script itself printed; null: it was never begun. */
export function toScriptOutput(text: string): string | null {
  const start = text.indexOf(`${startMarkerText}\n`);
  return start < 0 ? null : text.slice(start + startMarkerText.length + 1);
}
