// A bundle is read only as it was written: anything cut off, added or changed around its files is refused, and so is a name that leads
// elsewhere.
import { beforeAll, describe, expect, test } from "vitest";
import { readBundle } from "../../../orchestrator/evidence/bundle.ts";
import { toTar } from "../../../orchestrator/evidence/tar.ts";
import { makeLiveRunFiles, toEvidenceList, type LiveRunFiles } from "../../support/live-run-files.ts";

let run: LiveRunFiles;
beforeAll(async () => {
  run = await makeLiveRunFiles();
}, 60_000);

describe("a bundle", () => {
  const good = (): Buffer => toTar(new Map([...run.files, ["EVIDENCE.sha256", toEvidenceList(run.files)] as const]));
  test.each([
    ["cut off", (tar: Buffer) => tar.subarray(0, tar.length - 700)],
    ["with bytes behind its end", (tar: Buffer) => Buffer.concat([tar, Buffer.from("x")])],
    ["with bytes in a gap", (tar: Buffer) => Buffer.from(tar.map((byte, index) => (index === tar.length - 1 ? 1 : byte)))],
    ["with another mode in a header", (tar: Buffer) => Buffer.from(tar.map((byte, index) => (index === 106 ? byte + 1 : byte)))],
    ["that is empty", () => Buffer.alloc(0)],
    ["that is text", () => Buffer.from("# a bundle\n".repeat(100))],
  ])("%s is refused", (_name, spoil) => {
    expect(() => readBundle(spoil(good()))).toThrow(/^AUDIT_BUNDLE_INVALID /);
  });

  test.each(["../escape", "/absolute", "a/../b", "a//b", "with space", "a/b/c/d", ""])("never holds the name %j", (name) => {
    expect(() => toTar(new Map([[name, Buffer.from("x")]]))).toThrow(/^AUDIT_BUNDLE_INVALID /);
  });
});
