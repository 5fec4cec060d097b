// What explain is told of a run's units: asked of a systemctl of our own, because a unit test has no systemd.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readUnitState } from "../../../../orchestrator/adapters/host-facts/unit-state.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "systemctl-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

it.each([
  ["inactive\ninactive", 3, { state: "ended" }],
  ["failed\ninactive", 3, { state: "ended" }],
  ["activating\nactive", 3, { state: "going_on", seen: "cutter-run@R-1.service activating, cutter-prepare@R-1.service active" }],
  ["inactive\nactivating", 3, { state: "going_on", seen: "cutter-prepare@R-1.service activating" }],
  ["deactivating\nactive", 3, { state: "going_on", seen: "cutter-run@R-1.service deactivating, cutter-prepare@R-1.service active" }],
  ["inactive", 3, { state: "unknown" }],
  ["Failed to connect to bus\ninactive", 1, { state: "unknown" }],
  ["", 1, { state: "unknown" }],
])("of %j, with exit %i", async (said, code, state) => {
  const systemctl = join(folder, "systemctl");
  writeFileSync(systemctl, `#!/bin/sh\ncat <<'END'\n${said}\nEND\nexit ${String(code)}\n`);
  chmodSync(systemctl, 0o755);
  expect(await readUnitState("R-1", `${folder}:/usr/bin:/bin`)).toEqual(state);
});

it("is unknown where there is no systemctl", async () => {
  expect(await readUnitState("R-1", folder)).toEqual({ state: "unknown" });
});
