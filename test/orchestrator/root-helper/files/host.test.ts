// The root helper works as root and for a host that has a user cutter, and says so otherwise.
import { afterEach, beforeEach, expect, it } from "vitest";
import { readHost, requireRoot } from "../../../../orchestrator/root-helper/files/host.ts";
import { makeHostFolder, type HostFolder } from "../../../support/host-folder.ts";

let folder: HostFolder;
beforeEach(() => {
  folder = makeHostFolder();
});
afterEach(() => folder.remove());

it("refuses everybody but root, by the verb", () => {
  expect(() => requireRoot(0, "prepare-run")).not.toThrow();
  for (const uid of [1000, undefined])
    expect(() => requireRoot(uid, "prepare-run")).toThrow(expect.objectContaining({ code: "NOT_ROOT", facts: { verb: "prepare-run" } }));
});

it("knows the user cutter by the host's own file", () => {
  folder.write("etc/passwd", "root:x:0:0::/root:/bin/sh\ncutter:x:990:991::/var/lib/cutter:/usr/sbin/nologin\n", 0o644);
  expect(readHost(folder.at(""), 0).cutter).toEqual({ uid: 990, gid: 991 });
  folder.write("etc/passwd", "root:x:0:0::/root:/bin/sh\n", 0o644);
  expect(() => readHost(folder.at(""), 0)).toThrow(expect.objectContaining({ code: "HOST_FILE_MISSING" }));
});
