// Giving a run up without writing to the database: for runs that never claimed their document, and for those whose effects are all
// reverted. Everything else takes a signed SG_3. The journal alone is not believed: one that lost records knows nothing of what stands.
import { z } from "zod";
import type { OrchestratorConfig } from "../core/config-schema.ts";
import { CutterError } from "../core/errors.ts";
import type { RunStatus } from "../core/journal/status.ts";
import type { Phase } from "../phases/define.ts";
import { withResource } from "./kernel/with-resource.ts";
import { openJournal } from "./kernel/journal-writer.ts";
import { requireNoLostRecords } from "./kernel/lost-records.ts";
import { toOutcomeFile, writeRecords } from "./records/write-records.ts";
import { toOutcome } from "./records/outcome.ts";
import type { EnginePorts } from "./kernel/ports.ts";
import { findRunFolder, type RunFolder } from "./kernel/run-folder.ts";
import type { RunOutcome } from "../core/run/outcome.ts";

/**
 * The run never starts again; its keys stay where they are and name nobody else. May be repeated.
 * @throws RUN_UNKNOWN, RUN_LOCKED, VOID_RUN_DONE, VOID_RUN_LIVE, VOID_EFFECTS_STAND, VOID_CLAIM_STANDS, JOURNAL_*, KB_*, DATABASE_*
 */
export async function voidRun(
  runId: string,
  config: OrchestratorConfig,
  phases: readonly Phase[],
  ports: EnginePorts,
): Promise<RunOutcome> {
  const folder = await findRunFolder(ports.files, config.sidecar_root, runId);
  if (folder === null) throw new CutterError("RUN_UNKNOWN", { run_id: runId });
  return await withResource(ports, await ports.locks.acquireRun(runId, `void ${runId}`), async () => {
    const store = ports.openJournal(folder.journalPath);
    return await withResource(ports, { release: () => store.close() }, async () => {
      const journal = await openJournal(store, folder.journalPath, ports.clock);
      const { started } = journal.status();
      if (started === null) throw new CutterError("RUN_UNKNOWN", { run_id: runId, problem: "it never began" });
      const replay = journal.status().voided !== null;
      if (!replay) {
        await refuseVoid(runId, journal.status(), folder, ports);
        const found = { runId, kbRunsFolder: config.kb_runs_folder, phases, journal, records: journal.length() };
        if (started.mode === "live" || journal.torn() !== null) await requireNoLostRecords(found, ports.knowledgeBase);
        await journal.append({
          kind: "run_voided",
          why:
            started.mode === "dryrun"
              ? "cutter orchestrate void: a dry run writes nothing"
              : "cutter orchestrate void: nothing of it stands in the database",
        });
      }
      const facts = { runId, documentId: started.document_id, mode: started.mode };
      const outcome = toOutcome({ run: facts, status: journal.status(), outputs: new Map(), folder: folder.path, replay, next: null });
      if (!replay) await folder.write("outcome.json", toOutcomeFile(outcome));
      if (!replay) await writeRecords(ports.files, folder, runId, phases);
      return outcome;
    });
  });
}

async function refuseVoid(runId: string, status: RunStatus, folder: RunFolder, ports: EnginePorts): Promise<void> {
  if (status.finished !== null) throw new CutterError("VOID_RUN_DONE", { run_id: runId });
  const killSwitch = await ports.readKillSwitch();
  if ((killSwitch.state === "live" || killSwitch.state === "armed") && killSwitch.runId === runId)
    throw new CutterError("VOID_RUN_LIVE", { run_id: runId, state: killSwitch.state });
  if (status.started?.mode !== "live") return;
  const documentId = status.started.document_id;
  const units = await ports.recorders.readUnits(documentId, runId);
  const unretired = units.filter(({ lifecycleState }) => lifecycleState !== "retired").length;
  if (unretired > 0) throw new CutterError("VOID_EFFECTS_STAND", { run_id: runId, units: units.length, not_retired: unretired });
  // The intent of SG_1 is durable before its row can exist, and the knowledge base witnesses a journal that lost it.
  if (units.length > 0 || status.effects.SG_1.state === "none") return;
  const decisions = await ports.recorders.readDecisions(documentId, await readSourceDocumentId(status, folder), runId);
  const claim = decisions.find(({ gate }) => gate === "SG_1");
  if (claim !== undefined && !decisions.some(({ decision }) => decision === "void"))
    throw new CutterError("VOID_CLAIM_STANDS", { run_id: runId, review_decision_id: claim.id });
}

const sourcePinOutput = z.looseObject({ registry: z.looseObject({ sourceDocumentId: z.string() }) });

async function readSourceDocumentId(status: RunStatus, folder: RunFolder): Promise<string> {
  const pin = status.done.find(({ phase }) => phase === "source_pin");
  if (pin === undefined) throw new Error("SG_1 was intended before source_pin was done");
  return sourcePinOutput.parse(await folder.readOutput(pin.number, pin.phase, pin.outputSha256)).registry.sourceDocumentId;
}
