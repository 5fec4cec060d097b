// What an image is cached under, and how the outer machine's facts are read.
import { describe, expect, it } from "vitest";
import { findMounts } from "../../../../provision/sandbox/machine/cleanup.ts";
import { cgroupTrees } from "../../../../provision/sandbox/machine/cgroup.ts";
import { toSetLines } from "../../../../provision/sandbox/host/database.ts";
import {
  findDebianMirror,
  hostRecipe,
  postgresOf,
  postgresRecipe,
  suites,
  toBootstrapArguments,
  toImageKey,
  toPostgresImage,
} from "../../../../provision/sandbox/image/recipe.ts";
import { findFileSystem } from "../../../../provision/sandbox/machine/requirements.ts";

describe("the key of an image", () => {
  it("changes with the suite, the packages and every source it is made from", () => {
    const keys = [
      ...suites.map((suite) => toImageKey(hostRecipe(suite), ["script"])),
      toImageKey(hostRecipe("trixie"), ["another script"]),
      toImageKey({ ...hostRecipe("trixie"), packages: [...hostRecipe("trixie").packages, "nginx"] }, ["script"]),
      ...(["bookworm", "forky"] as const).map((suite) => toImageKey(postgresRecipe(postgresOf(suite)), [])),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(toImageKey(hostRecipe("trixie"), ["script"])).toBe(keys[0]);
  });
});

describe("the PostgreSQL of a host", () => {
  it("is production's on the usual suite, and together the suites have the oldest and the newest that is supported", () => {
    expect(suites.map((suite) => `${suite} ${toPostgresImage(postgresOf(suite))}`)).toEqual([
      "trixie postgres-sandbox:18",
      "bookworm postgres-sandbox:15",
      "forky postgres-sandbox:18",
    ]);
    expect(postgresRecipe(postgresOf("bookworm")).packages).toEqual(["postgresql-15", "postgresql-client-15"]);
  });
});

describe("the Debian mirror", () => {
  it("is taken from this machine's own sources, in both formats", () => {
    expect(findDebianMirror(["Types: deb\nURIs: http://mirror.test/debian\nSuites: bookworm\n"])).toBe("http://mirror.test/debian");
    expect(findDebianMirror(["# a comment\n", "deb [signed-by=/k.gpg] https://mirror.test/debian/ trixie main\n"])).toBe(
      "https://mirror.test/debian",
    );
  });

  it("is not the security archive and not another vendor's", () => {
    expect(findDebianMirror(["URIs: http://mirror.test/debian-security\n", "deb https://packages.test/apt stable main\n"])).toBeNull();
  });

  it("is asked for the suite of the recipe alone", () => {
    const words = toBootstrapArguments(postgresRecipe(postgresOf("trixie")), "/target", "http://mirror.test/debian", null);
    expect(words.slice(-3)).toEqual(["forky", "/target", "deb http://mirror.test/debian forky main"]);
  });
});

describe("the facts of the outer machine", () => {
  const mountInfo = [
    "20 1 8:1 / / rw - ext4 /dev/a rw",
    "21 20 0:5 / /sys/fs/cgroup rw - tmpfs tmpfs rw",
    "22 21 0:6 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd",
    "23 21 0:7 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
    "24 21 0:8 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
    "25 20 0:9 / /srv rw - overlay overlay rw",
    "26 25 0:10 / /srv/kit/.sandbox/root/proc rw - proc proc rw",
  ].join("\n");

  it("name the cgroup trees a container uses and no other", () => {
    expect(cgroupTrees(mountInfo)).toEqual(["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"]);
  });

  it("tell the file system a checkout lies on", () => {
    expect(findFileSystem(mountInfo, "/srv/kit")).toBe("overlay");
    expect(findFileSystem(mountInfo, "/srvother")).toBe("ext4");
  });

  it("list what is mounted below a directory, innermost first", () => {
    expect(findMounts(mountInfo, "/srv/kit/.sandbox")).toEqual(["/srv/kit/.sandbox/root/proc"]);
    expect(findMounts(mountInfo, "/srv/ki")).toEqual([]);
  });
});

describe("psql variables", () => {
  it("hold any value as one quoted word", () => {
    expect(toSetLines({ name: "it's a \\ and\na line" })).toBe("\\set name 'it''s a \\\\ and\\na line'\n");
  });
});
