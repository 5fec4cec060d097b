// One line the kit owns in an env file of the business. The file's secrets never leave the host: only a masked copy is read.
import { CutterError } from "../../../orchestrator/core/errors.ts";
import type { RemoteHost } from "../../host/connection.ts";
import { findEnvLine, toEnvLineEdit, type ByteEdit } from "./support/env-line.ts";
import { resourceArgs, type ResourceArgs } from "../../resource-args.ts";
import { defineKind, type WriteContext } from "../kind/define.ts";

type EnvLineInputs = ResourceArgs<"EnvLine">;

export const envLineKind = defineKind({
  type: "EnvLine",
  schema: resourceArgs.EnvLine,
  claimOf: ({ path, name }) => `${path}#${name}`,
  foreignCode: "ENV_LINE_FOREIGN",
  adoptsEqual: true,
  read: async (host, inputs) => {
    const masked = await readMasked(host, inputs.path, inputs.name);
    const { lines, value } = findEnvLine(masked.content, inputs.path, inputs.name);
    if (lines > 1) return { state: "present", inputs: { ...inputs, value: `(${lines} lines)` } };
    if (value === null) return { state: "absent" };
    // A value that is no fingerprint may be a secret put in the wrong place.
    return { state: "present", inputs: { ...inputs, value: /^[0-9A-F]{40}$/.test(value) ? value : "[REDACTED]" } };
  },
  write: async (context, inputs) => await edit(context, inputs, inputs.value),
  remove: ({ path, name }) => ({ script: removeScript, args: [path, name] }),
});

/** One edit at a time, each against the bytes that stand there now; lines that stand too often go one by one. */
async function edit({ host, runJob }: WriteContext, inputs: EnvLineInputs, value: string): Promise<void> {
  for (let edits = 0; edits < editsMax; edits += 1) {
    const masked = await readMasked(host, inputs.path, inputs.name);
    const change = toEnvLineEdit(masked.content, inputs.path, inputs.name, value);
    if (change === null) return;
    await runJob({ script: applyScript, args: toApplyArgs(inputs.path, masked.sha256, change) });
  }
}

const editsMax = 21;

function toApplyArgs(path: string, sha256: string, { offset, removeBytes, insert }: ByteEdit): readonly string[] {
  return [path, sha256, String(offset), insert, String(offset + removeBytes + 1)];
}

/**
 * Lengths, line ends, quotes, `=`, `#` and backslashes stay; every other byte of every line but ours is an x. So offsets are the real ones.
 */
async function readMasked(host: RemoteHost, path: string, name: string): Promise<{ readonly content: Buffer; readonly sha256: string }> {
  const outcome = await host.run(maskScript, [path, name], { timeoutMs: 15_000 });
  if (outcome.code === null) throw new CutterError("HOST_OUTCOME_UNKNOWN", { host: host.address.name, reading: path });
  if (outcome.code !== 0)
    throw new CutterError("ENV_FILE_UNFIT", { host: host.address.name, file: path, problem: outcome.stderr.trim().slice(0, 200) });
  const [sha256 = "", sizeText = "", masked = ""] = outcome.stdout.split("\n");
  const content = Buffer.from(masked, "base64");
  if (content.length !== Number(sizeText))
    throw new CutterError("ENV_FILE_UNFIT", { host: host.address.name, file: path, problem: "it holds bytes that cannot be masked" });
  return { content, sha256 };
}

const refuseUnlessPlain = `if [ -L "$1" ]; then echo "it is a symlink" >&2; exit 3; fi
if [ ! -f "$1" ]; then echo "it does not exist" >&2; exit 3; fi`;

const maskScript = `${refuseUnlessPlain}
sha256sum <"$1" | cut -c1-64; stat -c %s -- "$1"
sed -E "/^[[:space:]]*(export[[:space:]]+)?$2[[:space:]]*=/!s/[^]\\"'\\\`=#[:space:]\\\\\\\\]/x/g" <"$1" | base64 -w0`;

/** A copy that keeps mode, owner and attributes gets the new bytes and takes the file's place, unless the file moved since it was read. */
const applyScript = `${refuseUnlessPlain}
t=$(mktemp -u -- "$(dirname -- "$1")/.cutter-XXXXXXXX"); trap 'rm -f -- "$t"' EXIT
cp -a -- "$1" "$t"
{ head -c "$3" <"$1"; printf '%s' "$4"; tail -c +"$5" <"$1"; } >"$t"
[ "$(sha256sum <"$1" | cut -c1-64)" = "$2" ] || { echo "the env file changed meanwhile" >&2; exit 4; }
sync -- "$t"; mv -T -- "$t" "$1"; trap - EXIT; sync -- "$(dirname -- "$1")"`;

/** The line has the lint's plain form, or it is not ours to remove. */
const removeScript = `${refuseUnlessPlain}
[ "$(grep -c "^$2=[0-9A-F]*\\$" -- "$1")" = 1 ] || exit 0
was=$(sha256sum <"$1")
t=$(mktemp -u -- "$(dirname -- "$1")/.cutter-XXXXXXXX"); trap 'rm -f -- "$t"' EXIT
cp -a -- "$1" "$t"
b=$(grep -b "^$2=[0-9A-F]*\\$" -- "$1" | cut -d: -f1); n=$(grep "^$2=" -- "$1" | wc -c); size=$(stat -c %s -- "$1")
[ "$((b + n))" -le "$size" ] || b=$((b - 1))
{ head -c "$b" <"$1"; tail -c +"$((b + n + 1))" <"$1"; } >"$t"
[ "$(sha256sum <"$1")" = "$was" ] || { echo "the env file changed meanwhile" >&2; exit 4; }
sync -- "$t"; mv -T -- "$t" "$1"; trap - EXIT; sync -- "$(dirname -- "$1")"`;
