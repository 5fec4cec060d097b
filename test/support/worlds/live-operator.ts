// An operator in a live world: the runbooks as far as they move a run, on the switch, the results and the requests of a host in one folder.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { readChain } from "../../../orchestrator/core/journal/chain.ts";
import { hasWritten } from "../../../orchestrator/core/journal/live.ts";
import { toStatus } from "../../../orchestrator/core/journal/status.ts";
import { toRunResult } from "../../../orchestrator/core/run/result.ts";
import { parseRunId } from "../../../orchestrator/core/run-id.ts";
import { explain } from "../../../orchestrator/engine/explain/explain.ts";
import { readHostView } from "../../../orchestrator/engine/explain/read-host-view.ts";
import { readRunOrRequest, toRunSummary } from "../../../orchestrator/engine/records/read-run.ts";
import { voidRun } from "../../../orchestrator/engine/void.ts";
import type { NextStep } from "../../../orchestrator/core/run/next-step.ts";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import type { SwitchState } from "../../../orchestrator/ports/run-ports.ts";
import type { Operator } from "../follow.ts";
import { liveRunId, uuids, type KillAt, type LiveWorld } from "./live-world.ts";
import { quickFiles } from "./quick-files.ts";
import { documentId } from "./world.ts";

export interface LiveOperator extends Operator {
  /** The latch is set by somebody, whatever is armed goes. */
  latch(): void;
  /** Enables and starts as the runbooks do; the start dies where `killAt` says. False when it ended by itself. */
  startUntil(killAt: KillAt): Promise<boolean>;
  /** The host boots: what lay on tmpfs is gone. */
  reboot(): void;
  /** Nothing is kept of an approval: it must be signed again. */
  tear(gate: "SG_1" | "SG_2"): Promise<void>;
}

type ApprovedGate = "SG_1" | "SG_2";

/** Each sign of the sovereign has an id of its own. */
let signed = 0;

export function makeLiveOperator(live: LiveWorld, signedGates: readonly ApprovedGate[] = ["SG_1", "SG_2"]): LiveOperator {
  const at = (name: string): string => join(live.folder, name);
  for (const name of ["requests", "results"]) mkdirSync(at(name), { recursive: true });
  writeFileSync(
    at(`requests/${liveRunId}.yaml`),
    stringify({ schema: "cutter.request/1", run_id: liveRunId, document_id: documentId, mode: "live", approvals: {} }),
  );
  const runId = parseRunId(liveRunId, { allowDryRunSuffix: false });
  const { sidecar_root: sidecarRoot } = live.world.config;
  const names = live.phases.map(({ name }) => name);
  const papers = new Set<string>(["RULING", ...signedGates]);
  let execution: SwitchState = { state: "off" };

  const takeResult = (end: "killed" | { readonly exit_code: number; readonly code: string | null }): void => {
    const journal = existsSync(at(`runs/${liveRunId}/journal.jsonl`))
      ? readFileSync(at(`runs/${liveRunId}/journal.jsonl`))
      : Buffer.alloc(0);
    const written = hasWritten(toStatus(readChain(journal, "journal").records));
    const told = { result: null, phase: null, certificate: null, payload_sha: null, waits_on: null };
    const result = toRunResult(
      liveRunId,
      written,
      end === "killed"
        ? { exitKind: "killed", exitRaw: "KILL", serviceResult: "signal" }
        : { exitKind: "exited", exitRaw: String(end.exit_code), serviceResult: "success" },
      end === "killed" ? null : JSON.stringify({ ...told, ...end }),
    );
    writeFileSync(at(`results/${liveRunId}.json`), JSON.stringify(result));
  };
  const start = async (killAt: KillAt = () => false): Promise<boolean> => {
    live.enabled = execution.state === "armed";
    execution = execution.state === "disabled" ? execution : { state: "off" };
    rmSync(at(`results/${liveRunId}.json`), { force: true });
    let killed = false;
    const dies: KillAt = (name, phase) => (killed ||= killAt(name, phase));
    await live.start({ killAt: dies }).then(
      (outcome) => takeResult(killed ? "killed" : { exit_code: outcome.exit_code, code: outcome.code }),
      (error: unknown) => {
        if (!killed && !(error instanceof CutterError)) throw error;
        takeResult(killed || !(error instanceof CutterError) ? "killed" : { exit_code: error.exitCode, code: error.code });
      },
    );
    return killed;
  };
  const enable = async (argv: readonly string[]): Promise<void> => {
    const files = argv.filter((word) => word.startsWith("approvals/"));
    const gates = files.map((file) => file.split(".").at(-2) ?? "");
    if (execution.state !== "off" || gates.some((gate) => !papers.has(gate))) return;
    for (const gate of gates) if (gate === "SG_1" || gate === "SG_2") await live.approve(gate);
    const third = gates.includes("SG_3")
      ? await live.signThird("resume", toEscalated(), `33333333-0000-4000-8000-${String((signed += 1)).padStart(12, "0")}`)
      : null;
    live.token = {
      ...live.token,
      start: live.token.start + 1,
      escalation: third,
      escalationKbId: third === null ? null : "knowledge/x.md",
    };
    execution = { state: "armed", runId: liveRunId, until: null };
  };
  const toEscalated = (): string =>
    toStatus(readChain(readFileSync(at(`runs/${liveRunId}/journal.jsonl`)), "journal").records).escalation?.phase ?? "cut_leg_a";
  const type = async (argv: readonly string[]): Promise<void> => {
    const [command = "", ...words] = argv;
    if (command === "runbooks/enable") return await enable(words);
    if (command === "runbooks/start-run") return void (await start());
    if (command === "runbooks/draft") return;
    if (command === "runbooks/disable") {
      execution = words.includes("--clear") ? { state: "off" } : { state: "disabled", why: "the latch is set" };
      return;
    }
    if (argv.slice(0, 3).join(" ") === "cutter orchestrate void") {
      const killSwitch = (): Promise<SwitchState> => Promise.resolve(execution);
      return void (await voidRun(runId, live.world.config, live.phases, { ...live.world.ports, readKillSwitch: killSwitch }));
    }
    throw new Error(`nobody knows how to type ${argv.join(" ")}`);
  };

  return {
    explain: async (): Promise<NextStep> => {
      const run = await readRunOrRequest(quickFiles, sidecarRoot, at("requests"), runId);
      const view = await readHostView(
        {
          files: quickFiles,
          sidecarRoot,
          requests: at("requests"),
          results: at("results"),
          readUnit: () => Promise.resolve({ state: "ended" }),
          readKillSwitch: () => Promise.resolve(execution),
        },
        runId,
        run,
      );
      return explain(run, toRunSummary(run, names), view);
    },
    type,
    sign: (gate) => {
      papers.add(gate);
      return Promise.resolve();
    },
    look: () =>
      Promise.resolve(
        [
          JSON.stringify(execution),
          [...papers].join(" "),
          existsSync(at(`runs/${liveRunId}`)) ? readdirSync(at(`runs/${liveRunId}`)).join(" ") : "no folder",
          existsSync(at(`runs/${liveRunId}/journal.jsonl`)) ? readFileSync(at(`runs/${liveRunId}/journal.jsonl`), "utf8") : "no journal",
        ].join("\n"),
      ),
    latch: () => {
      execution = { state: "disabled", why: "the latch is set" };
    },
    startUntil: async (killAt) => {
      await enable(["approvals/x.RULING.md", ...signedGates.map((gate) => `approvals/x.${gate}.md`)]);
      return await start(killAt);
    },
    reboot: () => {
      rmSync(at(`results/${liveRunId}.json`), { force: true });
      execution = execution.state === "disabled" ? execution : { state: "off" };
    },
    tear: async (gate) => {
      papers.delete(gate);
      await live.withdraw(gate);
    },
  };
}

export { uuids };
