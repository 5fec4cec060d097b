#!/bin/sh
# Which release is current: switched by rename(2), and gone back on unless confirmed in time. Needs no operator, no network and no release
# that works.
#   switch NAME SECONDS   makes NAME current; unless `confirm NAME` follows in time, the guard goes back
# confirm NAME NAME proved healthy: good from now on; what is neither current nor among the last good ones is removed. 20: it was gone back
# on already
#   back WHY              goes back now, if a switch is unconfirmed
#   watch                 the guard's unit: waits for the deadline, or finds after a reboot that nobody confirmed
#   standing              what read shows: lines `pending NAME`, `good NAME` (oldest first), `reverted NAME BACK_ON WHY AT`
# Runs as root from its place beside releases/. Each verb may be repeated; a cut at any point leaves `current` on a whole release.
set -eu
base=$(dirname "$(readlink -f "$0")")
state=$base/release-state
kept_good=5

on_now() { t=$(readlink "$base/current" 2>/dev/null || :); printf '%s' "${t#releases/}"; }
uptime_s() { cut -d. -f1 /proc/uptime; }
# In the guard's unit systemd tells it (%b): confined by systemd 252 on a host that is a container, /proc there shows the outer machine's.
boot_id() { if [ -n "${CUTTER_BOOT_ID:-}" ]; then echo "$CUTTER_BOOT_ID"; else tr -d - </proc/sys/kernel/random/boot_id; fi; }

put() { # FILE: stdin becomes its content, durable, whole or not at all
  cat >"$state/.$1.new"; sync -- "$state/.$1.new"; mv -T -- "$state/.$1.new" "$state/$1"; sync -- "$state"
}
point() { # LINK NAME
  ln -sfn "releases/$2" "$base/.$1.new"; mv -T -- "$base/.$1.new" "$base/$1"; sync -- "$base"
}
way_back() { # NAME: the latest good release that is another one and is still here; nothing if there is none
  back=
  if [ -f "$state/good" ]; then while read -r g; do [ "$g" = "$1" ] || [ ! -d "$base/releases/$g" ] || back=$g; done <"$state/good"; fi
  printf '%s' "$back"
}
show_way_back() { # NAME
  b=$(way_back "$1")
  if [ -z "$b" ]; then rm -f -- "$base/last-good"; elif [ "$(readlink "$base/last-good" || :)" != "releases/$b" ]; then point last-good "$b"; fi
}
pending_name() { if [ -f "$state/pending" ]; then cut -d' ' -f1 "$state/pending"; fi; }

switch() { # NAME SECONDS
  if [ -e "$base/current" ] && [ ! -L "$base/current" ]; then echo "not a symlink, not ours: $base/current" >&2; exit 17; fi
  [ -d "$base/releases/$1" ] || { echo "no such release: $1" >&2; exit 18; }
  now=$(on_now)
  # A host of the time before this script: what runs there counts as good.
  if [ ! -f "$state/good" ] && [ ! -f "$state/pending" ] && [ -n "$now" ] && [ "$now" != "$1" ] && [ -d "$base/releases/$now" ]; then echo "$now" | put good; fi
  if [ "$now" = "$1" ] && [ ! -f "$state/pending" ]; then return 0; fi
  # First what makes the host go back, running already; then the step forward.
  echo "$1 $(($(uptime_s) + $2)) $(boot_id)" | put pending
  show_way_back "$1"
  systemctl restart cutter-release-guard.service || { rm -f -- "$state/pending"; echo "the guard does not start" >&2; exit 19; }
  point current "$1"
}

back() { # WHY
  [ -f "$state/pending" ] || return 0
  name=$(pending_name)
  if [ "$(on_now)" = "$name" ]; then
    b=$(way_back "$name")
    echo "$name ${b:-none} $1 $(date -u +%FT%TZ)" | put reverted
    if [ -n "$b" ]; then point current "$b"; else rm -f -- "$base/current"; sync -- "$base"; fi
    show_way_back "$b"
  fi
  rm -f -- "$state/pending"; sync -- "$state"
}

confirm() { # NAME
  pending=$(pending_name)
  if [ "$(on_now)" != "$1" ] || [ "${pending:-$1}" != "$1" ]; then exit 20; fi
  { if [ -f "$state/good" ]; then grep -vxF -- "$1" "$state/good" | tail -n 19 || :; fi; echo "$1"; } | put good
  show_way_back "$1"
  rm -f -- "$state/pending" "$state/reverted"; sync -- "$state"
  systemctl stop cutter-release-guard.service || :
  prune
}

prune() { # a release that a process runs from stays, whatever it is
  keep=$(tail -n "$kept_good" "$state/good"; on_now; echo; readlink "$base/last-good" | sed 's/.*\///' || :)
  running=$(readlink /proc/[0-9]*/exe 2>/dev/null || :)
  find "$base/releases" -mindepth 1 -maxdepth 1 -type d -regextype posix-extended -regex '.*/(\.(incoming|damaged)-)?[0-9]+\.[0-9]+\.[0-9]+-[0-9a-f]{12}' -printf '%f\n' | while read -r name; do
    if printf '%s\n' "$keep" | grep -qxF -- "$name"; then continue; fi
    if printf '%s\n' "$running" | grep -qF -- "$base/releases/$name/"; then continue; fi
    rm -rf -- "$base/releases/$name"
  done
}

watch() {
  while [ -f "$state/pending" ]; do
    read -r name deadline boot <"$state/pending" || :
    left=$((${deadline:-0} - $(uptime_s)))
    if [ "${boot:-}" != "$(boot_id)" ]; then locked back_if "$name" reboot; elif [ "$left" -le 0 ]; then locked back_if "$name" deadline; else sleep "$left"; fi
  done
}
back_if() { # NAME WHY: asked again under the lock, because a confirmation or a later switch may have come first
  [ -f "$state/pending" ] || return 0
  read -r name deadline boot <"$state/pending" || :
  if [ "$name" != "$1" ]; then return 0; fi
  if [ "$boot" = "$(boot_id)" ] && [ "${deadline:-0}" -gt "$(uptime_s)" ]; then return 0; fi
  back "$2"
}

locked() { mkdir -p -m 0755 -- "$state"; (flock -w 20 9 || exit 21; "$@") 9>>"$state/lock"; }

verb=${1:-}
[ $# -eq 0 ] || shift
case $verb in
switch | back | confirm)
  umask 022; locked "$verb" "$@"
  # Outside its own unit: the guard has nothing left to wait for.
  if [ "$verb" = back ]; then systemctl stop cutter-release-guard.service || :; fi
  ;;
watch) umask 022; watch ;;
standing)
  [ ! -f "$state/pending" ] || sed 's/^/pending /; s/ [0-9]* [^ ]*$//' "$state/pending"
  [ ! -f "$state/good" ] || sed 's/^/good /' "$state/good"
  [ ! -f "$state/reverted" ] || sed 's/^/reverted /' "$state/reverted"
  ;;
*) echo "switch NAME SECONDS | confirm NAME | back WHY | watch | standing" >&2; exit 2 ;;
esac
