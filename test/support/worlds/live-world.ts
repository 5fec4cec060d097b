// A world in which a live run can happen: a dry run behind it, a signed ruling in its token, signed approvals in the knowledge base, and a
// way to die at any boundary.
import { cpSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { openDirectoryKb } from "./directory-kb.ts";
import { toRequestApprovals, toSignatureId } from "../../../orchestrator/core/approval/document-ids.ts";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import type { Run } from "../../../orchestrator/engine/kernel/attempt.ts";
import type { RunOutcome } from "../../../orchestrator/core/run/outcome.ts";
import type { EnginePorts } from "../../../orchestrator/engine/kernel/ports.ts";
import { runPhases } from "../../../orchestrator/engine/run.ts";
import { decisionSteps } from "../../../orchestrator/phases/decisions.ts";
import { phases as allPhases } from "../../../orchestrator/phases/index.ts";
import type { LiveToken, SignedDocument } from "../../../orchestrator/ports/live-token.ts";
import { FakeCut } from "./fake-cut.ts";
import { fastFolder } from "../fast-folder.ts";
import { quickFiles } from "./quick-files.ts";
import { makeSigner, type Signer } from "./signer.ts";
import { documentBody, documentId, makeWorld, openWorld, type World } from "./world.ts";

export const liveRunId = "run-1";
const zeros = "0".repeat(64);
const fixedBegin = new Date("2026-11-22T10:00:00Z");
const toTime = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;
export const uuids = {
  SG_1: "11111111-0000-4000-8000-000000000001",
  SG_2: "22222222-0000-4000-8000-000000000002",
  SG_3: "33333333-0000-4000-8000-000000000003",
  RULING: "44444444-0000-4000-8000-000000000004",
} as const;

/** Thrown where a test kills the process: nothing after it reaches a disk, a knowledge base or the database. */
export class Killed extends Error {}

/**
 * Says at which boundary the process dies: a checkpoint and its phase, or `appended` and the kind of the journal record that just became
 * durable.
 */
export type KillAt = (name: string, phase: string) => boolean;

type Fields = Readonly<Record<string, unknown>>;

export interface LiveWorld {
  readonly folder: string;
  readonly cut: FakeCut;
  readonly sovereign: Signer;
  readonly stranger: Signer; // whom nobody pinned
  readonly payloadSha: string;
  world: World; // as the newest process has it
  enabled: boolean;
  token: LiveToken;
  phases: Run["phases"];
  /** Signs and puts an approval into the knowledge base; `change` overrides its fields. */
  approve(gate: "SG_1" | "SG_2", change?: Fields, at?: Date): Promise<void>;
  withdraw(gate: "SG_1" | "SG_2"): Promise<void>;
  signThird(decision: "resume" | "void", phase: string, reviewDecisionId?: string, at?: Date): Promise<SignedDocument>;
  signRuling(change?: Fields): Promise<SignedDocument>;
  /** A process of its own: what only memory held is gone. */
  start(options?: {
    readonly arrange?: (world: World) => void;
    readonly killAt?: KillAt;
    readonly change?: Partial<Run>;
    readonly ports?: Partial<EnginePorts>;
  }): Promise<RunOutcome>;
  remove(): Promise<void>;
}

let people: Promise<readonly [Signer, Signer]> | null = null;

interface Setting {
  readonly phases?: Run["phases"];
  readonly begin?: Date; // what the clock says when a process starts, and the date of every signature
  readonly ports?: Partial<EnginePorts>; // in the place of fakes, in every start
}

/** Dry-runs as production does, so that there is a payload to sign. No approval stands in the knowledge base yet. */
export async function makeLiveWorld(setting: Setting = {}): Promise<LiveWorld> {
  const first = await makeWorld();
  const { payload_sha } = await runPhases(first.toRun(), { ...first.ports, ...setting.ports });
  return await openLiveWorld(first.folder, payload_sha ?? "", setting);
}

/** Another world like this one, with everything that lies on its disk and a database of its own. */
export async function forkLiveWorld({ folder, payloadSha, phases }: LiveWorld): Promise<LiveWorld> {
  const copy = await mkdtemp(join(fastFolder, "cutter-world-"));
  cpSync(folder, copy, { recursive: true });
  return await openLiveWorld(copy, payloadSha, { phases });
}

async function openLiveWorld(
  folder: string,
  payloadSha: string,
  { phases = allPhases, begin = fixedBegin, ports: fixedPorts = {} }: Setting,
): Promise<LiveWorld> {
  people ??= Promise.all([
    makeSigner("sovereign", new Date("2026-11-01T00:00:00Z")),
    makeSigner("stranger", new Date("2026-11-01T00:00:00Z")),
  ]);
  const [sovereign, stranger] = await people;
  const cut = new FakeCut();
  const first = openWorld(folder, cut);
  const { config } = first;
  const kb = openDirectoryKb({ root: `${folder}/kb`, files: quickFiles });
  const kbIds = toRequestApprovals(config.kb_runs_folder, liveRunId);
  const common = {
    schema: "cutter.approval/1",
    decision: "approve",
    run_id: liveRunId,
    document_id: documentId,
    payload_sha: payloadSha,
    issued_at: toTime(begin),
    host: zeros,
    release_sha256: zeros,
  };
  const signed = async (fields: Fields, at: Date = begin): Promise<SignedDocument> => {
    const document = `# An approval\n\n\`\`\`cutter-approval\n${JSON.stringify(fields, null, 2)}\n\`\`\`\n\nFree prose.\n`;
    return { document: Buffer.from(document), signatures: [Buffer.from(await sovereign.sign(document, at))] };
  };
  const signRuling = (change: Fields = {}): Promise<SignedDocument> =>
    signed({
      ...common,
      gate: "RULING",
      phase: "cut_leg_a",
      review_decision_id: uuids.RULING,
      document_sha256: sha256Hex(documentBody),
      why_harmless: "A text nobody depends on.",
      architect_text: { kb_id: "knowledge/rulings/r.md", revision: 1, sha256: zeros },
      governance_principal: "directus_secdef",
      rollback_runbook_sha256: zeros,
      grant_matrix_sha256: config.expected_grant_matrix_sha,
      accepts: [],
      expires_at: toTime(new Date(begin.getTime() + 24 * 3_600_000)),
      starts: 5,
      ...change,
    });

  const live: LiveWorld = {
    folder,
    cut,
    sovereign,
    stranger,
    payloadSha,
    phases,
    world: first,
    enabled: true,
    token: {
      payloadSha,
      start: 1,
      starts: 5,
      ruling: await signRuling(),
      escalation: null,
      escalationKbId: null,
      keys: { sovereign: sovereign.file, architect: null },
    },
    approve: async (gate, change = {}, at) => {
      const { document, signatures } = await signed(
        { ...common, gate, phase: gate === "SG_1" ? "cut_leg_a" : "lifecycle_enact", review_decision_id: uuids[gate], ...change },
        at,
      );
      await kb.write({ id: kbIds[gate], title: gate, body: Buffer.from(document).toString("utf8"), tags: [] });
      await kb.write({
        id: toSignatureId(kbIds[gate], gate, "sovereign"),
        title: `${gate} signature`,
        body: Buffer.from(signatures[0] ?? new Uint8Array()).toString("utf8"),
        tags: [],
      });
    },
    withdraw: async (gate) => {
      await kb.write({ id: kbIds[gate], title: gate, body: "withdrawn", tags: [] });
    },
    signThird: (decision, phase, reviewDecisionId = uuids.SG_3, at = begin) =>
      signed({ ...common, gate: "SG_3", decision, phase, review_decision_id: reviewDecisionId, issued_at: toTime(at) }, at),
    signRuling,
    start: async ({ arrange, killAt = () => false, change = {}, ports = {} } = {}) => {
      live.world = openWorld(folder, cut);
      live.world.clock.advance(begin.getTime() - live.world.clock.now().getTime());
      live.world.database.server = { ...live.world.database.server, now: begin.toISOString() };
      arrange?.(live.world);
      const engine = { ...mortal(live, killAt), ...fixedPorts, ...ports };
      const facts = { ...live.world.toRun().facts, runId: liveRunId, mode: "live" as const, approvals: kbIds };
      return await runPhases(
        live.world.toRun({
          facts,
          phases: live.phases,
          decisions: decisionSteps,
          onCheckpoint: (name, phase) => dieIf(live, killAt(name, phase)),
          ...change,
        }),
        engine,
      );
    },
    remove: () => first.remove(),
  };
  return live;
}

const dead = new WeakSet<World>();

function dieIf({ world }: LiveWorld, holds: boolean): void {
  if (!holds) return;
  dead.add(world);
  throw new Killed("killed");
}

/** After its death a process writes nothing more, whatever its code still tries. */
function mortal(live: LiveWorld, killAt: KillAt): EnginePorts {
  const { world } = live;
  const { ports } = world;
  const alive = (): void => {
    if (dead.has(world)) throw new Killed("dead");
  };
  const { knowledgeBase } = ports;
  return {
    ...ports,
    executionEnabled: () => Promise.resolve(live.enabled),
    readLiveToken: async () => live.token,
    readKillSwitch: () => Promise.resolve({ state: "live", runId: liveRunId, since: null }),
    files: {
      ...ports.files,
      writeAtomic: async (path, content, mode) => {
        alive();
        await ports.files.writeAtomic(path, content, mode);
      },
    },
    knowledgeBase: {
      ...knowledgeBase,
      write: async (document) => {
        alive();
        return await knowledgeBase.write(document);
      },
      writeAt: async (document, revision) => {
        alive();
        return await knowledgeBase.writeAt(document, revision);
      },
    },
    openJournal: (path) => {
      const store = ports.openJournal(path);
      return {
        ...store,
        append: async (line) => {
          alive();
          await store.append(line);
          dieIf(live, killAt("appended", /"kind":"([a-z_]+)"/.exec(line)?.[1] ?? ""));
        },
      };
    },
  };
}
