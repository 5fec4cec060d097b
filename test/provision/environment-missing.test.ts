// Plain pulumi in a shell without the kit's environment: the first error says what to do.
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";

const checkout = resolve(import.meta.dirname, "../..");

it("the program names .env.pulumi before it loads anything else", () => {
  const { status, stderr } = spawnSync(process.execPath, [join(checkout, "provision/main.mjs")], { cwd: checkout, env: { PATH: process.env["PATH"] ?? "" }, encoding: "utf8" });
  expect([status, stderr]).toEqual([1, expect.stringContaining(". ./.env.pulumi")]);
});
