// Plain pulumi in a shell without the kit's environment: the first error says what to do.
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { expect, it } from "vitest";

const checkout = resolve(import.meta.dirname, "../../../..");

it("the program names .env.pulumi before it loads anything else", () => {
  const { status, stderr } = spawnSync(process.execPath, [join(checkout, "provision/main.mjs")], {
    cwd: checkout,
    env: { PATH: process.env["PATH"] ?? "" },
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([1, expect.stringContaining(". ./.env.pulumi")]);
});

it("the program hands a refusal to the engine as one line, without stack and without the facts once more", () => {
  const environment = {
    PATH: process.env["PATH"] ?? "",
    CUTTER_KIT_TOOLCHAIN: checkout,
    PULUMI_NODEJS_STACK: "contabo",
    PULUMI_NODEJS_PROJECT: "cutter-kit",
    PULUMI_CONFIG: JSON.stringify({ "cutter-kit:host": "FILL_IN" }),
  };
  const { status, stderr } = spawnSync(process.execPath, [join(checkout, "provision/main.mjs")], {
    cwd: checkout,
    env: environment,
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([
    1,
    expect.stringContaining(
      'STACK_CONFIG_INVALID the stack config does not fit its schema stack=contabo problems="cutter-kit:host: still FILL_IN" → mend',
    ),
  ]);
  expect(stderr).toContain("__pulumiRunError: true"); // what makes the engine print the message alone
  expect(stderr).not.toContain("facts:");
});
