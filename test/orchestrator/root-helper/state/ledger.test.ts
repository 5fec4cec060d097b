// The ledger: each start spent once, whatever name it comes under; a cut or edited line is never passed over in silence.
import {
  appendFileSync,
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sha256Hex } from "../../../../orchestrator/core/encoding/digest.ts";
import { CutterError } from "../../../../orchestrator/core/errors.ts";
import type { Spending } from "../../../../orchestrator/core/arming/ledger-record.ts";
import { lockLedger, readUses, recordAudit, requireWholeLedger, spend } from "../../../../orchestrator/root-helper/state/ledger.ts";
import { makeHostFolder, type HostFolder } from "../../../support/host-folder.ts";

const now = new Date("2026-11-22T10:00:00Z");
const uuid = (digit: string): string => `${digit.repeat(8)}-2222-4333-8444-555555555555`;
const ruling = (change: Partial<Spending> = {}): Spending => ({
  gate: "RULING",
  run_id: "R-1",
  document_sha256: sha256Hex("ruling"),
  review_decision_id: uuid("1"),
  of: 2,
  ...change,
});
const decision = (change: Partial<Spending> = {}): Spending =>
  ruling({ gate: "SG_3", document_sha256: sha256Hex("decision"), review_decision_id: uuid("3"), of: 1, ...change });

let folder: HostFolder;
let spentFile: string;
beforeEach(() => {
  folder = makeHostFolder();
  mkdirSync(folder.at("var/lib/cutter-ledger"), { mode: 0o700 });
  spentFile = folder.at("var/lib/cutter-ledger/spent.jsonl");
});
afterEach(() => folder.remove());

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CutterError) return error.code;
    throw error;
  }
  return "nothing was refused";
}
const spendNow = (...spendings: readonly Spending[]) => spend(folder.host, spendings, now);

test("counts the starts of a ruling, and refuses the one too many without a line", () => {
  expect(spendNow(ruling()).n).toEqual([1]);
  expect(spendNow(ruling()).n).toEqual([2]);
  const before = readFileSync(spentFile, "utf8");
  expect(codeOf(() => spendNow(ruling()))).toBe("RULING_SPENT");
  expect(readFileSync(spentFile, "utf8")).toBe(before);
  expect(statSync(spentFile).mode & 0o777).toBe(0o600);
  expect(readUses(folder.host, ruling())).toBe(2);
});

test("a ruling signed again under the same UUID, or one document under two UUIDs, gives no new starts", () => {
  spendNow(ruling({ of: 1 }));
  expect(codeOf(() => spendNow(ruling({ of: 1, document_sha256: sha256Hex("re-signed") })))).toBe("RULING_SPENT");
  expect(codeOf(() => spendNow(ruling({ of: 1, review_decision_id: uuid("2") })))).toBe("RULING_SPENT");
  expect(spendNow(ruling({ of: 1, review_decision_id: uuid("2"), document_sha256: sha256Hex("another") })).n).toEqual([1]);
});

test("a decision is good for one use, also when its UUID was used for something else; a start refused for it is not spent", () => {
  spendNow(ruling(), decision());
  expect(codeOf(() => spendNow(ruling(), decision()))).toBe("APPROVAL_SPENT");
  expect(readUses(folder.host, ruling())).toBe(1);
  expect(codeOf(() => spendNow(decision({ gate: "REVERT" })))).toBe("APPROVAL_SPENT");
});

test.each([
  ["a torn last line", () => appendFileSync(spentFile, '{"seq":2'), "LEDGER_TORN"],
  ["a last line that no append of ours began", () => appendFileSync(spentFile, '{"seq":1'), "LEDGER_DAMAGED"],
  ["an edited line", () => writeFileSync(spentFile, readFileSync(spentFile, "utf8").replace("R-1", "R-9")), "LEDGER_DAMAGED"],
  ["a line that is none", () => appendFileSync(spentFile, "{}\n"), "LEDGER_DAMAGED"],
  [
    "a moved line",
    () => writeFileSync(spentFile, readFileSync(spentFile, "utf8").split("\n").slice(0, 2).toReversed().join("\n") + "\n"),
    "LEDGER_DAMAGED",
  ],
  ["a doubled line", () => appendFileSync(spentFile, readFileSync(spentFile)), "LEDGER_DAMAGED"],
])("%s is refused loudly, and the file stays as it is", (_what, spoil, code) => {
  spendNow(ruling({ of: 5 }));
  spendNow(ruling({ of: 5 }));
  spoil();
  const before = readFileSync(spentFile, "utf8");
  expect(codeOf(() => spendNow(ruling({ of: 5 })))).toBe(code);
  expect(readFileSync(spentFile, "utf8")).toBe(before);
});

test("a ledger that was cut short is seen by the audit log", () => {
  const first = spendNow(ruling());
  recordAudit(folder.host, "enable", { run_id: "R-1", spent_seq: first.seq }, now);
  expect(codeOf(() => requireWholeLedger(folder.host))).toBe("nothing was refused");
  truncateSync(spentFile, 0);
  expect(codeOf(() => requireWholeLedger(folder.host))).toBe("LEDGER_DAMAGED");
});

test("a file that is open to others, a link, or another owner's is not written", () => {
  spendNow(ruling());
  chmodSync(spentFile, 0o640);
  expect(codeOf(() => spendNow(ruling()))).toBe("HOST_FILE_UNSAFE");
  symlinkSync("/etc/passwd", folder.at("var/lib/cutter-ledger/audit.jsonl"));
  expect(codeOf(() => recordAudit(folder.host, "x", {}, now))).toBe("HOST_FILE_UNSAFE");
  chmodSync(spentFile, 0o600);
  expect(codeOf(() => spend({ ...folder.host, ownerUid: folder.host.ownerUid + 1 }, [ruling()], now))).toBe("HOST_FILE_UNSAFE");
});

test("a ledger that somebody else holds is waited for, and taken once it is free", async () => {
  spendNow(ruling());
  const holder = spawn("flock", ["--exclusive", spentFile, "sh", "-c", `touch ${folder.at("held")}; sleep 0.3`], { stdio: "ignore" });
  while (!existsSync(folder.at("held"))) await new Promise((done) => setImmediate(done));
  expect(spendNow(ruling()).n).toEqual([2]);
  expect(holder.exitCode ?? (await once(holder, "exit"))[0]).toBe(0);
});

test("a damaged ledger whose two files were put aside begins again with the first line of a new chain", () => {
  spendNow(ruling());
  recordAudit(folder.host, "enable", { spent_seq: 0 }, now);
  writeFileSync(spentFile, "{}\n");
  expect(codeOf(() => requireWholeLedger(folder.host))).toBe("LEDGER_DAMAGED");
  const aside = folder.at("var/lib/cutter-ledger/damaged-20261123");
  mkdirSync(aside, { mode: 0o700 });
  for (const name of ["spent.jsonl", "audit.jsonl"]) renameSync(folder.at(`var/lib/cutter-ledger/${name}`), `${aside}/${name}`);
  expect(codeOf(() => requireWholeLedger(folder.host))).toBe("nothing was refused");
  expect(spendNow(ruling({ document_sha256: sha256Hex("fresh"), review_decision_id: uuid("4") })).n).toEqual([1]);
});

test("a ledger that another command holds is waited for, then named as busy", () => {
  writeFileSync(spentFile, "", { mode: 0o600 });
  const [held, asking] = [openSync(spentFile, "r+"), openSync(spentFile, "r+")];
  try {
    lockLedger(held, spentFile, 0);
    expect(() => lockLedger(asking, spentFile, 0)).toThrow(
      expect.objectContaining({ code: "LEDGER_BUSY", facts: { file: spentFile, waited_s: 0 } }),
    );
  } finally {
    closeSync(held);
    lockLedger(asking, spentFile, 0);
    closeSync(asking);
  }
});
