// notify_command gets names and codes as arguments and nothing else; a failing, missing or endless one is a warning's worth.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { notifyCommand } from "../../../../orchestrator/adapters/process/notify-command.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cutter-notify-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const stop = { runId: "run-1", code: "APPROVAL_MISSING", exitCode: 20, waitsOn: "SG_2" };
const program = (body: string): string => {
  const path = join(folder, "notify");
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
};

it("is run with its own arguments, then run id, code, exit code and what is waited for; nothing of our environment", async () => {
  process.env["CUTTER_TEST_SECRET"] = "s3cret";
  await notifyCommand([program(`printf '%s\\n' "$@" > "${folder}/told"; env > "${folder}/env"`), "--to", "ops"])(stop);
  delete process.env["CUTTER_TEST_SECRET"];
  expect(readFileSync(join(folder, "told"), "utf8")).toBe("--to\nops\nrun-1\nAPPROVAL_MISSING\n20\nSG_2\n");
  expect(readFileSync(join(folder, "env"), "utf8")).not.toContain("s3cret");
});

it("that fails or is missing says so by code", async () => {
  await expect(notifyCommand([program("exit 3")])({ ...stop, waitsOn: null })).rejects.toMatchObject({
    code: "NOTIFY_FAILED",
    facts: { exit: 3 },
  });
  await expect(notifyCommand([join(folder, "gone")])(stop)).rejects.toMatchObject({
    code: "NOTIFY_FAILED",
    facts: { problem: "PROCESS_FAILED reason=not_started" },
  });
});
