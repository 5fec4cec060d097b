// The Debian packages the sandbox and the release build stand on.
import { findProgram, run } from "./run.mjs";
import { MissingTool } from "./step.mjs";

/** Package → what it is here for. */
const debianPackages = {
  mmdebstrap: "builds the sandbox host's root",
  "systemd-container": "boots it (systemd-nspawn)",
  "debian-archive-keyring": "checks what the root is built from",
  iproute2: "its network",
  "util-linux": "nsenter, mount, setsid",
  "openssh-client": "ssh, ssh-agent, ssh-keygen",
  openssl: "the sandbox's own CA",
  gnupg: "test keys, backup encryption",
};

const without = "unit tests, typecheck, lint, npm run pulumi against a host of your own; not the sandbox, the demonstration and its tests";
const installTimeoutMs = 15 * 60_000;

/**
 * Idempotent: asks dpkg first, and apt-get only for what is absent. Throws `MissingTool` on another system, without root, or when apt-get
 * fails.
 */
export async function ensureDebianPackages() {
  const names = Object.keys(debianPackages);
  const dpkg = findProgram("dpkg-query");
  const aptGet = findProgram("apt-get");
  if (dpkg === null || aptGet === null)
    throw new MissingTool(`this is not Debian (no dpkg, apt-get); needed are ${names.join(" ")}`, without);
  const absent = await readAbsent(dpkg, names);
  if (absent.length === 0) return `${names.length} present, reused`;
  if (process.getuid() !== 0) throw new MissingTool(`not root, so these cannot be installed: ${absent.join(" ")}`, without);
  const options = { env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" }, timeoutMs: installTimeoutMs };
  const common = ["-q", "-o", "Acquire::Retries=3", "-o", "DPkg::Lock::Timeout=120"];
  try {
    await run(aptGet, [...common, "update"], options);
    await run(aptGet, [...common, "install", "-y", "--no-install-recommends", ...absent], options);
  } catch (error) {
    throw new MissingTool(`apt-get could not install ${absent.join(" ")}: ${error.message}`, without);
  }
  return `installed ${absent.join(" ")}`;
}

/** dpkg-query exits 1 when a name is unknown to it, and still answers for the others. */
async function readAbsent(dpkg, names) {
  const present = new Set();
  for (const name of names) {
    const status = await run(dpkg, ["-W", "-f=${db:Status-Status}", name], { timeoutMs: 30_000 }).catch(() => "");
    if (status === "installed") present.add(name);
  }
  return names.filter((name) => !present.has(name));
}
