#!/bin/sh
# Makes the release this file belongs to the current one, by rename(2), and remembers the one before as the way back.
# Runs on the host as root: <release>/bin/activate.sh. May be repeated: then nothing changes.
set -eu
release=$(dirname "$(dirname "$(readlink -f "$0")")")
base=$(dirname "$(dirname "$release")")
name=$(basename "$release")
current=$base/current

if [ -e "$current" ] && [ ! -L "$current" ]; then
  echo "not a symlink, not ours: $current" >&2
  exit 17
fi
before=$(readlink "$current" 2>/dev/null || true)
[ "$before" != "releases/$name" ] || exit 0

point() { # LINK TARGET
  new=$base/.$1.$$
  ln -s "$2" "$new"
  mv -T "$new" "$base/$1"
}
# First the way back, then the step forward: a cut in between leaves both links on a good release.
[ -z "$before" ] || [ ! -d "$base/$before" ] || point last-good "$before"
point current "releases/$name"
sync "$base"
