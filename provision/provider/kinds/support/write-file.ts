// The one way a file gets onto the host: whole, durable, with its mode and owner, by rename.

export interface FileToWrite {
  readonly path: string;
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  readonly sha256: string;
}

/**
 * Script and arguments; the bytes come on stdin. The bytes are compared with their digest before the rename, so a cut upload leaves
 * nothing. A directory or symlink in the way is refused (exit 17). `after` runs when the file is in place, with the path as "$1".
 */
export function toWriteFile(
  file: FileToWrite,
  content: Buffer,
  after = "",
): { readonly script: string; readonly args: readonly string[]; readonly stdin: Buffer } {
  const script = `p=$1
if [ -L "$p" ] || { [ -e "$p" ] && [ ! -f "$p" ]; }; then echo "not a regular file: $p" >&2; exit 17; fi
d=$(dirname -- "$p"); t=$(mktemp -- "$d/.cutter-XXXXXXXX"); trap 'rm -f -- "$t"' EXIT
cat >"$t"
[ "$(sha256sum <"$t" | cut -c1-64)" = "$4" ] || { echo "the upload was cut" >&2; exit 18; }
chown -- "$3" "$t"; chmod -- "$2" "$t"; sync -- "$t"
mv -T -- "$t" "$p"; trap - EXIT; sync -- "$d"
${after}`;
  return { script, args: [file.path, file.mode, `${file.owner}:${file.group}`, file.sha256], stdin: content };
}
