#!/bin/sh
# Between the host's sshd and each command the kit sends: remembers it, and holds the chosen one where the test wants the line broken.
#   (no argument)        sshd's ForceCommand
#   during UNIT          from a drop-in of the job's unit, before its script runs
# The plan's one line: POINT (before, during, after) NTH PATTERN. A file `go` lets the held one go on, `drop` ends it unrun.
d=$(dirname "$0")

hold() { # POINT TEXT
  [ -f "$d/plan" ] || return 0
  read -r point nth pattern <"$d/plan"
  [ "$point" = "$1" ] || return 0
  case $2 in *"$pattern"*) ;; *) return 0 ;; esac
  (flock 9; echo x >&9) 9>>"$d/seen"
  [ "$(wc -l <"$d/seen")" -eq "$nth" ] || return 0
  touch "$d/held"
  turns=0
  until [ -e "$d/go" ]; do
    [ ! -e "$d/drop" ] || exit 97
    turns=$((turns + 1))
    [ "$turns" -lt 3000 ] || exit 98
    sleep 0.05
  done
}

if [ "${1:-}" = during ]; then
  hold during "$2" </dev/null
  exit 0
fi
(flock 9; printf '%s' "$SSH_ORIGINAL_COMMAND" | tr '\n' ' ' | cut -c1-2000 >&9) 9>>"$d/commands"
case $SSH_ORIGINAL_COMMAND in *ActiveState*) touch "$d/reread" ;; esac
hold before "$SSH_ORIGINAL_COMMAND"
sh -c "$SSH_ORIGINAL_COMMAND"
code=$?
hold after "$SSH_ORIGINAL_COMMAND"
exit "$code"
