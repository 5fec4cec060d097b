// The demonstration: from a bare machine to a ready host, a survey and a dry run, by the very commands a person would type.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { $ } from "zx";

const checkout = resolve(import.meta.dirname, "..");
const documentId = "knowledge/other/commonmark-spec-0-31-2.md";
const documentFile = resolve(checkout, ".sandbox/commonmark-spec.md");
const npm = (script: string, ...args: readonly string[]) => ["npm", "run", "--silent", script, "--", ...args] as const;

interface Step {
  readonly title: string;
  readonly seconds: number;
}

await demo().catch((error: unknown) => {
  console.error(`[ERR] ${error instanceof Error ? error.message : String(error)}`);
  console.error("[INFO] the sandbox is left as it is, to look at: npm run sandbox -- status; to remove it: npm run sandbox -- down");
  process.exitCode = 1;
});

async function demo(): Promise<void> {
  const startedMs = performance.now();
  const runId = `demo-${new Date().toISOString().replace(/[-:]|\.\d+/g, "")}`;
  const steps: Step[] = [];
  const step = async (title: string, argv: readonly string[], accept: readonly number[] = [0]) => {
    const stepStartedMs = performance.now();
    console.log(`\n── ${title}\n$ ${argv.join(" ").replace("--silent ", "")}`);
    const code = await run(argv);
    if (!accept.includes(code)) throw new Error(`"${argv.join(" ")}" ended with exit code ${code}`);
    steps.push({ title, seconds: (performance.now() - stepStartedMs) / 1000 });
  };

  await step("A replica of the production host boots", npm("sandbox", "up"));
  await step("Survey: how the host stands before pulumi up", npm("survey", "--stack", "sandbox"));
  await step("The stack exists", npm("pulumi", "stack", "select", "--create", "sandbox"));
  await step("pulumi up makes the host ready", npm("pulumi", "up", "--stack", "sandbox", "--yes", "--skip-preview", "--suppress-outputs", "--suppress-progress"));
  await step("A second up changes nothing", npm("pulumi", "up", "--stack", "sandbox", "--yes", "--skip-preview", "--suppress-outputs", "--suppress-progress", "--expect-no-changes"));
  await step("Survey: what pulumi up closed", npm("survey", "--stack", "sandbox"));
  writeFileSync(documentFile, readCommonMarkText());
  await step("A real document enters the knowledge base", npm("sandbox", "document", "add", documentFile, "--id", documentId));
  await step("Dry run: all 11 phases under systemd", ["node", "runbooks/prepare.ts", "--stack", "sandbox", "--run-id", runId, "--document", documentId]);
  await step("Live is refused: the kill switch is off", npm("sandbox", "ssh", "--", `/usr/local/bin/cutter orchestrate run --run-id ${runId} --document ${documentId} --mode live`), [10]);
  await step("The kill switch says so itself", npm("sandbox", "ssh", "--", "/usr/local/bin/cutter kill-switch status"));

  console.log("\n── Summary");
  for (const { title, seconds } of steps) console.log(`[OK]   ${title.padEnd(52)} ${seconds.toFixed(1).padStart(6)} s`);
  const result = await readResult(`${runId}.dryrun`);
  console.log(`[INFO] dry run ${runId}.dryrun: no-side-effect certificate ${String(result["certificate"])}, payload_sha ${String(result["payload_sha"])}`);
  console.log(`[INFO] its evidence lies in /var/lib/cutter/runs/${runId}.dryrun on the sandbox host`);
  console.log("[INFO] the dry run wrote nothing to the database; the live cut is not part of this version");
  console.log("[INFO] look around with: npm run sandbox -- ssh     remove it with: npm run sandbox -- down");
  console.log(`[OK]   the host is ready and the dry run is proven, in ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
}

/** What the host says of the run; the demonstration repeats it and judges nothing itself. */
async function readResult(runId: string): Promise<Readonly<Record<string, unknown>>> {
  const { stdout } = await $({ cwd: checkout, quiet: true })`${npm("sandbox", "ssh", "--", `cat /run/cutter/results/${runId}.json`)}`;
  return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
}

/** The CommonMark specification's text: a real document (CC-BY-SA-4.0) that nobody of ours wrote. */
function readCommonMarkText(): string {
  const { text } = createRequire(import.meta.url)("commonmark-spec") as { readonly text: string };
  return text;
}

async function run(argv: readonly string[]): Promise<number> {
  const { exitCode } = await $({ cwd: checkout, stdio: "inherit", nothrow: true })`${argv}`;
  return exitCode ?? 70;
}
