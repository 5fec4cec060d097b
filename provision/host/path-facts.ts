// What stands at a path of the host: kind, mode, owner, digest, and a small file's bytes. Reads only.
import { CutterError } from "../../orchestrator/core/errors.ts";
import type { RemoteHost } from "./connection.ts";

export type PathFacts =
  | { readonly kind: "absent" }
  | { readonly kind: "directory"; readonly mode: string; readonly owner: string; readonly group: string }
  | {
      readonly kind: "file";
      readonly mode: string;
      readonly owner: string;
      readonly group: string;
      readonly sizeBytes: number;
      readonly sha256: string;
      readonly content: Buffer | null;
    }
  | { readonly kind: "symlink"; readonly target: string }
  | { readonly kind: "other"; readonly what: string };

/** Files up to this size come with their bytes. */
const contentBytesMax = 262_144;
const readTimeoutMs = 30_000;

const script = `p=$1
if [ -L "$p" ]; then printf 'symlink\\n'; readlink -- "$p"; exit; fi
if [ ! -e "$p" ]; then
  d=$p; while [ ! -e "$d" ]; do d=$(dirname -- "$d"); done
  [ -x "$d" ] || exit 9
  printf 'absent\\n'; exit
fi
if [ -d "$p" ]; then printf 'directory\\n'; stat -c '%a %U %G' -- "$p"; exit; fi
if [ -f "$p" ]; then
  printf 'file\\n'; stat -c '%a %U %G %s' -- "$p" || exit
  sha256sum <"$p" || exit
  [ "$(stat -c %s -- "$p")" -gt "$2" ] || base64 -w0 <"$p"
  exit
fi
printf 'other\\n'; stat -c %F -- "$p"`;

/** One command, one answer. `mode` is four octal digits. @throws HOST_OUTCOME_UNKNOWN when the connection was cut, HOST_COMMAND_FAILED. */
export async function readPathFacts(host: RemoteHost, path: string): Promise<PathFacts> {
  const outcome = await host.run(script, [path, String(contentBytesMax)], { timeoutMs: readTimeoutMs });
  if (outcome.code === null) throw new CutterError("HOST_OUTCOME_UNKNOWN", { host: host.address.name, reading: path });
  if (outcome.code !== 0)
    throw new CutterError("HOST_COMMAND_FAILED", {
      host: host.address.name,
      reading: path,
      code: outcome.code,
      stderr: outcome.stderr.slice(0, 500),
    });
  return parsePathFacts(outcome.stdout);
}

/** Pure: the script's answer. */
function parsePathFacts(answer: string): PathFacts {
  const [kind, first = "", second = "", third = ""] = answer.split("\n");
  const [mode = "", owner = "", group = "", size = ""] = first.split(" ");
  switch (kind) {
    case "absent":
      return { kind };
    case "directory":
      return { kind, mode: mode.padStart(4, "0"), owner, group };
    case "file": {
      const sizeBytes = Number(size);
      const content = sizeBytes > contentBytesMax ? null : Buffer.from(third, "base64");
      return { kind, mode: mode.padStart(4, "0"), owner, group, sizeBytes, sha256: second.slice(0, 64), content };
    }
    case "symlink":
      return { kind, target: first };
    default:
      return { kind: "other", what: first };
  }
}
