// An operator in a live world: the runbooks as far as they move a run, on the switch, the results and the requests of a host in one folder.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { readChain } from "../../../orchestrator/core/journal/chain.ts";
import { toStatus, type RunStatus } from "../../../orchestrator/core/journal/status.ts";
import type { NextStep } from "../../../orchestrator/core/run/next-step.ts";
import { toRunResult } from "../../../orchestrator/core/run/result.ts";
import { mayHaveWritten } from "../../../orchestrator/core/run/unfinished-runs.ts";
import { parseRunId } from "../../../orchestrator/core/run-id.ts";
import { explain } from "../../../orchestrator/engine/explain/explain.ts";
import { readHostView } from "../../../orchestrator/engine/explain/read-host-view.ts";
import { readRunOrRequest, toRunSummary } from "../../../orchestrator/engine/records/read-run.ts";
import { voidRun } from "../../../orchestrator/engine/void.ts";
import type { SwitchState } from "../../../orchestrator/ports/run-ports.ts";
import type { Operator } from "../follow.ts";
import { liveRunId, type KillAt, type LiveWorld } from "./live-world.ts";
import { quickFiles } from "./quick-files.ts";
import { documentId } from "./world.ts";

const runId = parseRunId(liveRunId, { allowDryRunSuffix: false });
const off: SwitchState = { state: "off" };

export class LiveOperator implements Operator {
  readonly #live: LiveWorld;
  readonly #papers: Set<string>; // gates that are signed, on the operator's machine
  #execution: SwitchState = off;
  #thirds = 0; // each SG_3 has an id of its own

  /** `signed`: beside the ruling. */
  constructor(live: LiveWorld, signed: readonly ("SG_1" | "SG_2")[] = ["SG_1", "SG_2"]) {
    this.#live = live;
    this.#papers = new Set(["RULING", ...signed]);
    for (const name of ["requests", "results"]) mkdirSync(this.#at(name), { recursive: true });
    const request = { schema: "cutter.request/1", run_id: liveRunId, document_id: documentId, mode: "live", approvals: {} };
    writeFileSync(this.#at(`requests/${liveRunId}.yaml`), stringify(request));
  }

  async explain(): Promise<NextStep> {
    const { sidecar_root: sidecarRoot } = this.#live.world.config;
    const look = {
      files: quickFiles,
      sidecarRoot,
      requests: this.#at("requests"),
      results: this.#at("results"),
      readUnit: () => Promise.resolve({ state: "ended" } as const),
      readKillSwitch: () => Promise.resolve(this.#execution),
    };
    const run = await readRunOrRequest(quickFiles, sidecarRoot, look.requests, runId);
    const names = this.#live.phases.map(({ name }) => name);
    return explain(run, toRunSummary(run, names), await readHostView(look, runId, run));
  }

  async type(argv: readonly string[]): Promise<void> {
    const [command = "", ...words] = argv;
    if (command === "runbooks/enable") return await this.#enable(words);
    if (command === "runbooks/start-run") return void (await this.#start(() => false));
    if (command === "runbooks/draft") return;
    if (command === "runbooks/disable") {
      this.#execution = words.includes("--clear") ? off : { state: "disabled", why: "the latch is set" };
      return;
    }
    if (!argv.join(" ").startsWith("cutter orchestrate void ")) throw new Error(`nobody knows how to type ${argv.join(" ")}`);
    const { world, phases } = this.#live;
    await voidRun(runId, world.config, phases, { ...world.ports, readKillSwitch: () => Promise.resolve(this.#execution) });
  }

  async sign(gate: string): Promise<void> {
    this.#papers.add(gate);
    await Promise.resolve();
  }

  look(): Promise<string> {
    const folder = this.#at(`runs/${liveRunId}`);
    const names = existsSync(folder) ? readdirSync(folder).join(" ") : "no folder";
    return Promise.resolve([JSON.stringify(this.#execution), [...this.#papers].join(" "), names, this.#readJournal()].join("\n"));
  }

  /** Somebody sets the latch; whatever is armed goes. */
  latch(): void {
    this.#execution = { state: "disabled", why: "the latch is set" };
  }

  /** The host boots: what lay on tmpfs is gone. */
  reboot(): void {
    rmSync(this.#at(`results/${liveRunId}.json`), { force: true });
    if (this.#execution.state !== "disabled") this.#execution = off;
  }

  /** Enables with everything that is signed, and starts; the start dies where `killAt` says. False when it ended by itself. */
  async startUntil(killAt: KillAt): Promise<boolean> {
    await this.#enable([...this.#papers].map((gate) => `approvals/${liveRunId}/${liveRunId}.${gate}.md`));
    return await this.#start(killAt);
  }

  #at(name: string): string {
    return join(this.#live.folder, name);
  }

  #readJournal(): string {
    const path = this.#at(`runs/${liveRunId}/journal.jsonl`);
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  #readStatus(): RunStatus {
    return toStatus(readChain(Buffer.from(this.#readJournal()), "journal").records);
  }

  /** Refuses by doing nothing: while something is armed or the latch is set, and without a paper that is named. */
  async #enable(words: readonly string[]): Promise<void> {
    const gates = words.filter((word) => word.startsWith("approvals/")).map((file) => file.split(".").at(-2) ?? "");
    if (this.#execution.state !== "off" || gates.some((gate) => !this.#papers.has(gate))) return;
    const live = this.#live;
    for (const gate of gates) if (gate === "SG_1" || gate === "SG_2") await live.approve(gate);
    const escalation = gates.includes("SG_3") ? await this.#signThird() : null;
    live.token = { ...live.token, start: live.token.start + 1, escalation, escalationKbId: escalation === null ? null : "knowledge/x.md" };
    this.#execution = { state: "armed", runId: liveRunId, until: null };
  }

  async #signThird(): ReturnType<LiveWorld["signThird"]> {
    this.#thirds += 1;
    const id = `33333333-0000-4000-8000-${String(this.#thirds).padStart(12, "0")}`;
    return await this.#live.signThird("resume", this.#readStatus().escalation?.phase ?? "cut_leg_a", id);
  }

  /** As the units do it: the token goes with the start, whatever its end is, and root tells the result. */
  async #start(killAt: KillAt): Promise<boolean> {
    this.#live.enabled = this.#execution.state === "armed";
    if (this.#execution.state !== "disabled") this.#execution = off;
    let killed = false;
    const dies: KillAt = (name, phase) => (killed ||= killAt(name, phase));
    const end = await this.#live.start({ killAt: dies }).catch((error: unknown) => {
      if (killed) return null;
      if (error instanceof CutterError) return { exit_code: error.exitCode, code: error.code };
      throw error;
    });
    this.#tellResult(killed ? null : end);
    return killed;
  }

  #tellResult(end: { readonly exit_code: number; readonly code: string | null } | null): void {
    const silent = { result: null, phase: null, certificate: null, payload_sha: null, waits_on: null };
    const told = end === null ? null : JSON.stringify({ ...silent, exit_code: end.exit_code, code: end.code });
    const service =
      end === null
        ? { exitKind: "killed", exitRaw: "KILL", serviceResult: "signal" }
        : { exitKind: "exited", exitRaw: String(end.exit_code), serviceResult: "success" };
    const result = toRunResult(liveRunId, mayHaveWritten(this.#readJournal()), service, told);
    writeFileSync(this.#at(`results/${liveRunId}.json`), JSON.stringify(result));
  }
}
