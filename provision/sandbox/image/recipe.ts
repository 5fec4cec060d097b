// What the images are made of, and the key each one is cached under. Pure: everything that changes an image changes its key.
import { createHash } from "node:crypto";

export const suites = ["trixie", "bookworm", "forky"] as const;
export type Suite = (typeof suites)[number];

/** What the PostgreSQL container of a host is made of. */
export interface PostgresSource {
  readonly suite: Suite;
  readonly major: number;
}

/** Production's version is in forky only, so the usual host gets that too; the oldest suite has the oldest major that is supported. */
const postgresSources: Readonly<Record<Suite, PostgresSource>> = {
  trixie: { suite: "forky", major: 18 },
  bookworm: { suite: "bookworm", major: 15 },
  forky: { suite: "forky", major: 18 },
};

/** The PostgreSQL in the container of a host of this suite. */
export function postgresOf(hostSuite: Suite): PostgresSource {
  return postgresSources[hostSuite];
}

/** The name under which a host's Docker knows it. */
export const toPostgresImage = ({ major }: PostgresSource): string => `postgres-sandbox:${major}`;

export interface Recipe {
  readonly kind: "host" | "postgres";
  readonly suite: Suite;
  readonly packages: readonly string[];
}

const hostPackages = [
  "systemd",
  "systemd-sysv",
  "dbus",
  "openssh-server",
  "iproute2",
  "iptables",
  "procps",
  "gnupg",
  "ca-certificates",
  "openssl",
  "curl",
  "git",
  "cron",
  "python3-minimal",
  "libstdc++6",
  "docker.io",
  // Login shells that a host's root may have; fish comes by customize.sh, without the manual pages and the Python it depends on.
  "zsh",
  "tcsh",
  "ksh93u+m",
  "mksh",
] as const;

/** bookworm's docker.io brings the client itself; later suites have it in a package of its own. */
export function hostRecipe(suite: Suite): Recipe {
  return { kind: "host", suite, packages: [...hostPackages, ...(suite === "bookworm" ? [] : ["docker-cli"])] };
}

/** The root that becomes the PostgreSQL container's image. */
export function postgresRecipe({ suite, major }: PostgresSource): Recipe {
  return { kind: "postgres", suite, packages: [`postgresql-${major}`, `postgresql-client-${major}`] };
}

/** `sources` are the texts and versions an image is made from besides its packages (scripts, the Node version). */
export function toImageKey(recipe: Recipe, sources: readonly string[]): string {
  const text = JSON.stringify([recipe, dpkgOptions, sources.map((source) => createHash("sha256").update(source).digest("hex"))]);
  return `${recipe.kind}-${recipe.suite}-${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;
}

const dpkgOptions = [
  "path-exclude=/usr/share/man/*",
  "path-exclude=/usr/share/doc/*",
  "path-exclude=/usr/share/locale/*",
  "path-exclude=/usr/share/info/*",
  "force-unsafe-io",
] as const;

/**
 * argv of mmdebstrap for a root directory. The mirror is the one this machine's own apt uses, with the suite changed
 * (a main-only line: a rolling suite has no -updates, and its Release file may be past its date).
 */
export function toBootstrapArguments(recipe: Recipe, target: string, mirror: string, customizeHook: string | null): readonly string[] {
  return [
    "mmdebstrap",
    "--quiet",
    "--variant=minbase",
    "--mode=root",
    "--format=directory",
    `--include=${recipe.packages.join(",")}`,
    '--aptopt=Acquire::Check-Valid-Until "false"',
    ...dpkgOptions.map((option) => `--dpkgopt=${option}`),
    ...(customizeHook === null ? [] : [`--customize-hook='${customizeHook.replaceAll("'", "'\\''")}' "$1"`]),
    recipe.suite,
    target,
    `deb ${mirror} ${recipe.suite} main`,
  ];
}

/** The Debian mirror in this machine's apt sources, in either format; null when there is none. */
export function findDebianMirror(sourceTexts: readonly string[]): string | null {
  for (const text of sourceTexts) {
    const match = /^\s*(?:URIs:\s*|deb\s+(?:\[[^\]]*\]\s+)?)(https?:\/\/\S+\/debian)\/?(?=\s|$)/m.exec(text);
    if (match?.[1] !== undefined) return match[1];
  }
  return null;
}
