// A shell line cannot import the formula of a host's identity: this runs each that the kit has, and holds it to the one in TypeScript.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { machineIdFile, toHostIdentity } from "../../orchestrator/core/host/identity.ts";

const folder = mkdtempSync(join(tmpdir(), "host-identity-"));
afterAll(() => rmSync(folder, { recursive: true }));
const machineId = "0123456789abcdef0123456789abcdef";

it.each(["orchestrator/root-helper/survey/host-facts.sh", "README.md", "Pulumi.contabo.example.yaml"])(
  "%s tells the identity that identity.ts computes",
  (file) => {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
    const line = /printf 'cutter:[^|]*\| sha256sum \| cut -d ?' ' -f ?1/.exec(text)?.[0] ?? "";
    expect(line).toContain(machineIdFile);
    writeFileSync(join(folder, "machine-id"), `${machineId}\n`);
    const told = execFileSync("sh", ["-c", line.replaceAll(machineIdFile, join(folder, "machine-id"))], { encoding: "utf8" });
    expect(told).toBe(`${toHostIdentity(`${machineId}\n`) ?? "none"}\n`);
  },
);

it.each([
  ["an empty file", ""],
  ["too few digits", machineId.slice(1)],
  ["upper case", machineId.toUpperCase()],
  ["a second line", `${machineId}\n${machineId}\n`],
])("%s is no machine id", (_name, text) => {
  expect(toHostIdentity(text)).toBeNull();
});
