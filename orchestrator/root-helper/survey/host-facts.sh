#!/bin/sh
# The facts of a host from which the survey judges it: one fact a line, fields separated by tabs. Reads only; names of secrets, never
# values. Works as root, on the host (cutter-root host-facts) or through `sh -s` over ssh. Needs nothing of ours to be installed.
set -u
LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
umask 077

# What stands between tabs must hold neither tab nor newline. Only a value that needs mending pays for processes: a survey prints thousands.
plain() { printf '%s' "$1" | tr -c '[:print:]' '?' | cut -c 1-400; }
fact() {
  line=$1; shift
  for field in "$@"; do
    case $field in *[![:print:]]*) field=$(plain "$field") ;; esac
    [ "${#field}" -le 400 ] || field=$(plain "$field")
    line="$line	$field"
  done
  printf '%s\n' "$line"
}
# path KIND MODE OWNER GROUP SIZE PATH [sha256 or link target]
path_fact() {
  stood=$(stat -c '%a %U %G %s' -- "$1" 2>/dev/null) || { fact path absent "" "" "" 0 "$1" ""; return; }
  mode=${stood%% *}; stood=${stood#* }; owner=${stood%% *}; stood=${stood#* }; group=${stood% *}; size=${stood##* }
  if [ -L "$1" ]; then fact path link "$mode" "$owner" "$group" 0 "$1" "$(readlink -- "$1")"
  elif [ -f "$1" ]; then fact path file "$mode" "$owner" "$group" "$size" "$1" "$2"
  elif [ -d "$1" ]; then fact path folder "$mode" "$owner" "$group" 0 "$1" ""
  else fact path other "$mode" "$owner" "$group" 0 "$1" ""
  fi
}
digest() {
  [ -f "$1" ] && [ ! -L "$1" ] || return 0
  measured=$(sha256sum <"$1") && printf '%s\n' "${measured%% *}"
}
# The lines of a small file, each as a fact of its own.
lines_of() { [ ! -f "$2" ] || [ -L "$2" ] || sed "s/[[:cntrl:]]/?/g; s/^/$1	/" "$2"; }
names_in() { [ ! -d "$2" ] || find "$2" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | while IFS= read -r name; do fact "$1" "$name"; done; }

fact format cutter.host-facts/1
fact uid "$(id -u)"
fact hostname "$(uname -n)"
[ ! -r /etc/machine-id ] || fact machine "$(printf 'cutter:%s' "$(cat /etc/machine-id)" | sha256sum | cut -d ' ' -f 1)"

# The release: every file, measured; whether they are those of the manifest is judged elsewhere.
path_fact /opt/cutter/current ""
path_fact /usr/local/bin/cutter ""
names_in release /opt/cutter/releases
if [ -d /opt/cutter/current ]; then
  release=$(readlink -f /opt/cutter/current)
  fact current "$(basename "$release")" "$(digest "$release/manifest.json")"
  lines_of manifest "$release/manifest.json"
  (cd "$release" && find . -mindepth 1 ! -type d -printf '%m\t%s\t%u\t%P\n' | sort -t '	' -k 4 | while IFS='	' read -r mode size owner file; do
    fact release_file "$mode" "$size" "$owner" "$(digest "$file")" "$file"
  done)
fi

for path in /etc/cutter /etc/cutter/keys /etc/cutter/requests /etc/cutter/execution /run/cutter /run/cutter/armed /run/cutter/live /run/cutter/cred /run/cutter/results \
  /var/lib/cutter /var/lib/cutter/runs /var/lib/cutter/batches /var/lib/cutter/locks /var/lib/cutter-ledger /opt/cutter /opt/cutter/releases \
  /opt/incomex/dot/iu-cutter /opt/incomex/dot/iu-cutter-v0.6 /opt/incomex/docker/.env /opt/incomex/secrets/.env.production /etc/cutter/execution/DISABLED; do
  path_fact "$path" ""
done
for file in /etc/cutter/orchestrator.yaml /etc/cutter/rollback_runbook.sql /etc/tmpfiles.d/cutter.conf /etc/cutter/keys/* /etc/systemd/system/cutter-*; do
  case $file in *'*') continue ;; esac
  path_fact "$file" "$(digest "$file")"
done
# Folders that the configuration moves elsewhere.
if [ -f /etc/cutter/orchestrator.yaml ]; then
  sed -n 's/^\(sidecar_root\|batch_dir\|global_locks_dir\): *\(\/[A-Za-z0-9._\/-]*\)$/\2/p' /etc/cutter/orchestrator.yaml | while IFS= read -r folder; do path_fact "$folder" ""; done
fi
lines_of config /etc/cutter/orchestrator.yaml
lines_of claim /etc/cutter/ownership.jsonl

for unit in cutter-kb.socket cutter-dump.socket; do
  fact unit "$unit" "$(systemctl is-enabled "$unit" 2>/dev/null)" "$(systemctl is-active "$unit" 2>/dev/null)"
done
fact user "$(getent passwd cutter | cut -d : -f 1,6,7)" "$(getent group cutter | cut -d : -f 1)"

# Names only. doubled counts any line that some reader could take for the key; equals tells whether the value holds a second "=".
for file in /opt/incomex/docker/.env /opt/incomex/secrets/.env.production; do
  [ -f "$file" ] && [ -r "$file" ] || continue
  for name in DOT_CUTTER_EXEC_DB_USER DOT_CUTTER_EXEC_DB_PASSWORD DOT_CUTTER_VERIFY_DB_USER DOT_CUTTER_VERIFY_DB_PASSWORD DOT_CUTTER_READONLY_DB_USER \
    DOT_CUTTER_READONLY_DB_PASSWORD DOT_CUTTER_REVERT_DB_USER DOT_CUTTER_REVERT_DB_PASSWORD DOT_CUTTER_DB_HOST DOT_CUTTER_DB_PORT DOT_CUTTER_DB_NAME DOT_CUTTER_DB_SSLMODE AGENT_DATA_API_KEY BACKUP_GPG_FPR DIRECTUS_SECDEF_DSN; do
    any=$(grep -cE "^[[:space:]]*(export[[:space:]]+)?$name[[:space:]]*[=:]" "$file")
    [ "$any" -gt 0 ] || continue
    fact env "$file" "$name" "$any" "$(grep -cE "^$name='?[^']" "$file")" "$(grep -cE "^$name=.*=" "$file")"
  done
  # A fingerprint is no secret, and the survey has to compare it.
  sed -n "s/^BACKUP_GPG_FPR='\{0,1\}\([0-9A-F]\{40\}\)'\{0,1\}\$/\1/p" "$file" | while IFS= read -r fingerprint; do fact backup_fingerprint "$file" "$fingerprint"; done
done

# What root keeps of the rulings it armed by and of the proofs that a backup could be decrypted, the keys they are judged by, and what was
# spent: public, and needed whole. The newest few.
encoded() { [ -f "$1" ] && [ ! -L "$1" ] && [ "$(stat -c '%s' "$1")" -le 131072 ]; }
for key in sovereign architect; do
  file=/etc/cutter/keys/$key.asc
  ! encoded "$file" || printf 'key_file\t%s\t%s\n' "$file" "$(base64 -w 0 <"$file")"
done
kept() { # KEY FOLDER NAME...
  key=$1; folder=/var/lib/cutter-ledger/$2; shift 2
  [ -d "$folder" ] || return 0
  find "$folder" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %f\n' | sort -rn | head -n 5 | while read -r _ digest; do
    for name in "$@"; do
      file=$folder/$digest/$name
      ! encoded "$file" || printf '%s\t%s\t%s\t%s\n' "$key" "$(plain "$digest")" "$name" "$(base64 -w 0 <"$file")"
    done
  done
}
kept ruling rulings ruling.md ruling.md.sovereign.asc ruling.md.architect.asc
kept restore_proof restore-proofs restore-proof.md restore-proof.md.asc
[ ! -f /var/lib/cutter-ledger/spent.jsonl ] || [ -L /var/lib/cutter-ledger/spent.jsonl ] || tail -n 500 /var/lib/cutter-ledger/spent.jsonl | sed 's/[[:cntrl:]]/?/g; s/^/spent	/'

# Of each run what decides whether it is open: lines that match $1 decide nothing. Of a closed run its first line and the closing one do.
# Whole lines only, as everywhere: what an append of ours left behind the last newline is no line.
whole() { head -n "$(wc -l <"$1")" -- "$1" || echo 'it cannot be read'; }
runs=$(sed -n 's/^sidecar_root: *\(\/[A-Za-z0-9._\/-]*\)$/\1/p' /etc/cutter/orchestrator.yaml 2>/dev/null | head -n 1)
for folder in "${runs:-/var/lib/cutter/runs}"/*/; do
  folder=${folder%/}; run=${folder##*/}; journal=$folder/journal.jsonl; reverted=$folder/revert/journal.jsonl
  case $run in *[!A-Za-z0-9._-]*) continue ;; esac
  [ -f "$journal" ] && [ ! -L "$journal" ] || continue
  fact run "$run"
  if whole "$journal" | grep -aE '"kind":"run_(finished|voided)"' >/dev/null
  then whole "$journal" | grep -aE '"kind":"run_(started|finished|voided)"'
  else whole "$journal" | grep -avE -- "${1:-^$}"; fi | sed "s/[[:cntrl:]]/?/g; s/^/run_line	$run	/"
  whole "$journal" | tail -n 1 | sed "s/[[:cntrl:]]/?/g; s/^/run_last	$run	/"
  [ ! -f "$reverted" ] || [ -L "$reverted" ] || whole "$reverted" | grep -aE '"kind":"(revert_started|reverted)"' |
    sed "s/[[:cntrl:]]/?/g; s/^/run_revert	$run	/"
done

names_in request /etc/cutter/requests
names_in armed /run/cutter/armed
names_in live /run/cutter/live

# gpg writes into its home even when it lists: it gets an empty one that goes again, and root's keyring by name, without a lock. A place
# that takes nothing would make every key look unreadable: it is tried first, and what the last one said is told.
home='' why=''
if command -v gpg >/dev/null; then
  for parent in /run /tmp /dev/shm; do
    home=$(mktemp -d "$parent/cutter-facts.XXXXXX" 2>&1) || { why=$home home=''; continue; }
    why=$(dd if=/dev/zero of="$home/probe" bs=65536 count=1 status=none 2>&1) && { rm -f "$home/probe"; break; }
    rm -rf "$home"
    home=''
  done
  [ -n "$home" ] || printf '%s\n' "$why" | head -n 1 | sed 's/[[:cntrl:]]/?/g; s/^/gpg_problem	/'
fi
if [ -n "$home" ]; then
  fingerprints() { awk -F : -v source="$1" '$1 == "pub" { primary = 1 } $1 == "fpr" && primary { printf "%s\t%s\n", source, $10; primary = 0 }'; }
  for file in /etc/cutter/keys/*.asc; do
    [ -f "$file" ] && gpg --homedir "$home" --no-options --batch --no-tty --quiet --with-colons --show-keys "$file" 2>/dev/null | fingerprints "key	$file"
  done
  [ ! -f /root/.gnupg/pubring.kbx ] || gpg --homedir "$home" --no-options --batch --no-tty --quiet --lock-never --no-auto-check-trustdb --no-default-keyring \
    --keyring /root/.gnupg/pubring.kbx --with-colons --list-keys 2>/dev/null | fingerprints "root_key"
  gpgconf --homedir "$home" --kill all 2>/dev/null
  rm -rf "$home"
fi

if command -v docker >/dev/null; then
  timeout 15 docker ps --all --format '{{.Names}}	{{.State}}	{{.Image}}' 2>/dev/null | sed 's/^/container	/'
fi
fact disk_free_mib "$(df -Pm /var/lib | awk 'NR == 2 { print $4 }')"
fact end ok
