// The demonstration: from a bare machine to one approved, proven and reverted cut, by the very commands a person would type.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { $ } from "zx";
import { readSandboxState } from "../sandbox/state/state.ts";
import { fillDraft } from "./signers.ts";

const checkout = resolve(import.meta.dirname, "../..");
const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, "");
/** An id of its own each time: what was cut once has its addresses for ever, so the demonstration can be repeated on the same host. */
const documentId = `knowledge/other/commonmark-spec-${stamp.toLowerCase()}.md`;
const runId = `demo-${stamp}`;
const documentFile = ".sandbox/commonmark-spec.md";
const bundleFile = ".sandbox/demo-audit-bundle.tar";
const pageFile = ".sandbox/demo-report.html";
const npm = (script: string, ...args: readonly string[]) => ["npm", "run", "--silent", script, "--", ...args] as const;
const host = (command: string) => npm("sandbox", "ssh", "--", command);
const up = npm("pulumi", "up", "--stack", "sandbox", "--yes", "--skip-preview", "--suppress-outputs", "--suppress-progress");

const copyBytesMax = 64 * 1024 * 1024;

interface Step {
  readonly title: string;
  readonly seconds: number;
}
const steps: Step[] = [];

await demo().catch((error: unknown) => {
  console.error(`[ERR] ${error instanceof Error ? error.message : String(error)}`);
  console.error("[INFO] the sandbox is left as it is, to look at: npm run sandbox -- status; to remove it: npm run sandbox -- down");
  process.exitCode = 1;
});

async function demo(): Promise<void> {
  const startedMs = performance.now();
  await prepareHost();
  await dryRun();
  const live = await cut();
  await report();
  await revert();

  console.log("\n── Summary");
  for (const { title, seconds } of steps) console.log(`[OK]   ${title.padEnd(62)} ${seconds.toFixed(1).padStart(6)} s`);
  const dry = await readResult(`/run/cutter/results/${runId}.dryrun.json`);
  console.log(`[INFO] dry run: no-side-effect certificate ${String(dry["certificate"])}, payload_sha ${String(dry["payload_sha"])}`);
  console.log(`[INFO] live cut: ${String(live["result"])}, payload_sha ${String(live["payload_sha"])}`);
  console.log(`[INFO] its report, for a browser: ${pageFile}; its audit bundle: ${bundleFile}`);
  console.log(`[INFO] look around: npm run sandbox -- ssh; remove it all: npm run sandbox -- down`);
  console.log(`[OK]   one document cut under approval, proven, and reverted, in ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
}

async function prepareHost(): Promise<void> {
  await step("A replica of the production host boots", npm("sandbox", "up"));
  await step("Survey: how the host stands before pulumi up", npm("survey", "--stack", "sandbox"));
  await step("The stack exists", npm("pulumi", "stack", "select", "--create", "sandbox"));
  await step("pulumi up makes the host ready", up);
  await step("A second up changes nothing", [...up, "--expect-no-changes"]);
  writeFileSync(resolve(checkout, documentFile), readCommonMarkText());
  await step("A real document enters the knowledge base", npm("sandbox", "document", "add", documentFile, "--id", documentId));
}

async function dryRun(): Promise<void> {
  await step("Dry run: all 11 phases under systemd, and drafts to sign", [
    "runbooks/prepare",
    "--stack",
    "sandbox",
    "--run-id",
    runId,
    "--document",
    documentId,
  ]);
  await step("Which document is harmless enough? The kit proposes", host("cutter target propose"));
  await step("Live is refused: the kill switch is off", ["runbooks/start-run", "--stack", "sandbox", "--run-id", runId], [10]);
}

async function cut(): Promise<Readonly<Record<string, unknown>>> {
  const folder = `approvals/${runId}`;
  const file = (gate: string): string => `${folder}/${runId}.${gate}.md`;
  const text =
    `# Ruling on ${runId}\n\nThe document is a published specification. Nothing of this business depends on it. The cut may ` +
    `be made once and reverted.\n`;
  const architect = { kbId: `knowledge/current-state/reports/ruling-${runId.toLowerCase()}.md`, revision: 1, text };
  mkdirSync(resolve(checkout, folder), { recursive: true });
  writeFileSync(resolve(checkout, folder, "ruling-text.md"), text);
  await step(
    "The architect's ruling stands in the knowledge base",
    npm("sandbox", "document", "add", `${folder}/ruling-text.md`, "--id", architect.kbId),
  );
  const ruling = { whyHarmless: "a published specification that nothing of this business depends on", architect, starts: 2 };
  for (const gate of ["SG_1", "SG_2", "RULING"]) fillDraft(resolve(checkout, file(gate)), gate === "RULING" ? ruling : null);
  await step("The sovereign signs the cut (SG_1)", npm("sandbox", "sign", file("SG_1"), "--as", "sovereign"));
  await step("The sovereign signs its coming into force (SG_2)", npm("sandbox", "sign", file("SG_2"), "--as", "sovereign"));
  await step("The sovereign signs the ruling", npm("sandbox", "sign", file("RULING"), "--as", "sovereign"));
  await step("The architect signs the ruling as well", npm("sandbox", "sign", file("RULING"), "--as", "architect"));
  await step("Enable: verified here and there, one start spent, armed", [
    "runbooks/enable",
    "--stack",
    "sandbox",
    "--run-id",
    runId,
    "--ruling",
    file("RULING"),
    "--approval",
    file("SG_1"),
    "--approval",
    file("SG_2"),
  ]);
  await step("Survey: a signed ruling closes the last gaps", npm("survey", "--stack", "sandbox"));
  await step("The live cut, once", ["runbooks/start-run", "--stack", "sandbox", "--run-id", runId]);
  const live = await readResult(`/run/cutter/results/${runId}.json`);
  await step("The kill switch is off again by itself", host("cutter kill-switch status"));
  await step("A second start is refused: nothing is enabled", ["runbooks/start-run", "--stack", "sandbox", "--run-id", runId], [10]);
  return live;
}

async function report(): Promise<void> {
  await step("The report", host(`cutter orchestrate report --run-id ${runId} --html /root/${runId}.html`));
  await copy(`/root/${runId}.html`, pageFile);
  await copy(`/var/lib/cutter/runs/${runId}/audit-bundle.tar`, bundleFile);
  const { keys } = readSandboxState(checkout);
  const trusted = (["sovereign", "architect"] as const).flatMap((role) => [
    `--${role}-key`,
    keys[role].file,
    `--${role}-fingerprint`,
    keys[role].fingerprint,
  ]);
  // Away from the host, with the reader's own keys: as anybody could check it who was given the bundle.
  await step("Audit: the bundle checked here, by the reader's own keys", npm("cutter", "audit", "verify", bundleFile, ...trusted));
}

async function revert(): Promise<void> {
  const file = `approvals/${runId}/${runId}.REVERT.md`;
  const { stdout } = await $({ cwd: checkout, quiet: true })`${host(`cutter approval draft --gate REVERT --run-id ${runId}`)}`;
  writeFileSync(resolve(checkout, file), stdout);
  fillDraft(resolve(checkout, file), null);
  await step("The sovereign signs the revert", npm("sandbox", "sign", file, "--as", "sovereign"));
  await step("The way back: units retired, everything else as before", [
    "runbooks/emergency-revert",
    "--stack",
    "sandbox",
    "--run-id",
    runId,
    "--approval",
    file,
  ]);
}

async function step(title: string, argv: readonly string[], accept: readonly number[] = [0]): Promise<void> {
  const startedMs = performance.now();
  console.log(`\n── ${title}\n$ ${argv.join(" ").replace("--silent ", "")}`);
  const { exitCode } = await $({ cwd: checkout, stdio: "inherit", nothrow: true })`${argv}`;
  if (!accept.includes(exitCode ?? 70)) throw new Error(`"${argv.join(" ")}" ended with exit code ${String(exitCode)}`);
  steps.push({ title, seconds: (performance.now() - startedMs) / 1000 });
}

async function copy(from: string, to: string): Promise<void> {
  const [command = "", ...args] = host(`cat ${from}`);
  writeFileSync(resolve(checkout, to), execFileSync(command, args, { cwd: checkout, maxBuffer: copyBytesMax }));
}

/** What the host says of a run; the demonstration repeats it and judges nothing itself. */
async function readResult(file: string): Promise<Readonly<Record<string, unknown>>> {
  const { stdout } = await $({ cwd: checkout, quiet: true })`${host(`cat ${file}`)}`;
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
}

/** The CommonMark specification's text: a real document (CC-BY-SA-4.0) that nobody of ours wrote. */
function readCommonMarkText(): string {
  const { text } = createRequire(import.meta.url)("commonmark-spec") as { readonly text: string };
  return text;
}
