#!/bin/sh
# Makes a bare Debian root into the production host's likeness, as far as all sandboxes share it: accounts, folders, sshd, services.
# Nothing that identifies one host is made here. Called by mmdebstrap as its customize hook, with the root directory as $1.
set -eu
root="$1"

groupadd --root "$root" --gid 1500 incomex
useradd --root "$root" --uid 1500 --gid 1500 --create-home --shell /bin/bash incomex
useradd --root "$root" --system --no-create-home --home-dir /opt/agent-data --shell /usr/sbin/nologin agent-data

mkdir -p "$root/etc/ssh/sshd_config.d" "$root/root/.ssh" "$root/etc/systemd/system/multi-user.target.wants"
chmod 0700 "$root/root/.ssh"
cat > "$root/etc/ssh/sshd_config.d/10-sandbox.conf" <<'CONFIG'
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
CONFIG
# OpenSSH 9.8 and later lock an address out after failed tries; tests fail on purpose, all from one address.
if grep -qs PerSourcePenalties "$root/usr/lib/openssh/sshd-session" "$root/usr/sbin/sshd"; then
  echo 'PerSourcePenalties no' >> "$root/etc/ssh/sshd_config.d/10-sandbox.conf"
fi

# fish depends on man-db, groff and all of Python; a login shell needs its own files only.
debs=$(mktemp -d)
(cd "$debs" && APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get -qq download fish fish-common libpcre2-32-0)
for deb in "$debs"/*.deb; do dpkg-deb --extract "$deb" "$root"; done
rm -rf "$debs" "$root/usr/share/doc/fish" "$root/usr/share/doc/fish-common"

ln -sf /usr/lib/systemd/system/systemd-networkd.service "$root/etc/systemd/system/multi-user.target.wants/"
ln -sf /dev/null "$root/etc/systemd/system/systemd-modules-load.service"   # no modules in a container
ln -sf /dev/null "$root/etc/systemd/system/systemd-networkd-wait-online.service"
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' > "$root/etc/resolv.conf"   # no name leaves the host

# The programme's folders, a local git repository as on production, and two older cutters that nobody may overwrite.
incomex="$root/opt/incomex"
mkdir -p "$incomex/docker" "$incomex/secrets" "$incomex/dot/bin" "$incomex/dot/config" "$incomex/dot/sql" "$incomex/dot/specs" \
  "$incomex/dot/iu-cutter/cutter" "$incomex/dot/iu-cutter-v0.6/cutter" "$incomex/deploys" "$incomex/scripts" "$incomex/backups" \
  "$incomex/logs" "$incomex/docs" "$root/var/log/incomex"
printf '# iu-cutter v0.4\n\nThe cutter in service before the kit. Skeleton of the replica.\n' > "$incomex/dot/iu-cutter/README.md"
printf '"""iu-cutter v0.4 (skeleton)."""\n__version__ = "0.4.0"\n' > "$incomex/dot/iu-cutter/cutter/__init__.py"
printf '# iu-cutter v0.6 (Python)\n\nFrozen. Skeleton of the replica.\n' > "$incomex/dot/iu-cutter-v0.6/README.md"
printf '"""iu-cutter v0.6, frozen (skeleton)."""\n__version__ = "0.6.0"\n' > "$incomex/dot/iu-cutter-v0.6/cutter/__init__.py"
printf 'services:\n  postgres:\n    image: postgres:18\n    env_file: .env\n' > "$incomex/docker/docker-compose.yml"
printf '#!/bin/sh\n# nightly: pg_dump | gzip | gpg to the key in the keyring of root\nexit 0\n' > "$incomex/scripts/backup.sh"
printf '0 3 * * * root /opt/incomex/scripts/backup.sh >> /var/log/incomex/backup.log 2>&1\n' > "$root/etc/cron.d/incomex-backup"
printf '2026-11-21T03:00:01Z backup done\n' > "$root/var/log/incomex/backup.log"
printf 'docker/.env\nsecrets/\nbackups/\nlogs/\n' > "$incomex/.gitignore"
chmod 0755 "$incomex/scripts/backup.sh"
chmod 0750 "$incomex/secrets"
chown 0:1500 "$incomex/secrets"
git_here() { chroot "$root" git -C /opt/incomex -c user.name=incomex -c user.email=ops@sandbox.test -c init.defaultBranch=main "$@"; }
git_here init -q
git_here add .
git_here commit -q -m 'State of the host'
printf '\nA change that nobody committed.\n' >> "$incomex/dot/iu-cutter/README.md"   # often dirty, as on production
chown 1500:1500 "$root/var/log/incomex/backup.log"

# What would make two copies one host.
rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id" "$root/etc/hostname"
: > "$root/etc/machine-id"
