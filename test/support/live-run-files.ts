// The files that a live run of the real engine and the real phases leaves, on fakes: what audits and reports are tried on.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { sha256Hex } from "../../orchestrator/core/encoding/digest.ts";
import { hostLayout } from "../../orchestrator/core/host/layout.ts";
import { parseRecord, type JournalRecord } from "../../orchestrator/core/journal/record.ts";
import { nodeFiles } from "../../orchestrator/adapters/node-files/node-files.ts";
import type { PinnedKeyFile } from "../../orchestrator/core/approval/verify.ts";
import { phases } from "../../orchestrator/phases/index.ts";
import { liveRunId, makeLiveWorld, type KillAt, type LiveWorld } from "./worlds/live-world.ts";
import { documentId, type World } from "./worlds/world.ts";

export { liveRunId };
const signedAt = new Date("2026-11-22T10:00:00Z");

export interface LiveRunFiles {
  readonly files: ReadonlyMap<string, Buffer>; // of the bundle, without its list
  readonly bundle: Buffer; // as the engine left it
  readonly key: PinnedKeyFile;
  readonly otherKey: PinnedKeyFile;
  /** Signs as the sovereign, or as somebody whom nobody pinned. */
  sign(document: Uint8Array, as?: "sovereign" | "other"): Promise<Buffer>;
}

/** A live world of the real phases whose evidence is whole: request, ruling and runbook as on a host. `start` as the world's own. */
export interface EvidencedWorld {
  readonly live: LiveWorld;
  readonly folder: string; // of the run
  start(killAt?: KillAt, arrange?: (world: World) => void): ReturnType<LiveWorld["start"]>;
}

export async function makeEvidencedWorld(): Promise<EvidencedWorld> {
  const live = await makeLiveWorld({ phases });
  const runbook = Buffer.from("-- the way back\n");
  live.token = { ...live.token, ruling: await live.signRuling({ rollback_runbook_sha256: sha256Hex(runbook) }) };
  await live.approve("SG_1");
  await live.approve("SG_2");
  const request = stringify({
    schema: "cutter.request/1",
    run_id: liveRunId,
    document_id: documentId,
    mode: "live",
    approvals: { SG_1: "knowledge/x/sg-1.md", SG_2: "knowledge/x/sg-2.md" },
  });
  const inputs = { ...live.world.toRun().inputs, request_sha256: sha256Hex(request) };
  const read = async (path: string): Promise<Uint8Array | null> =>
    path === hostLayout.rollbackRunbook ? runbook : await nodeFiles.read(path);
  return {
    live,
    folder: join(live.world.config.sidecar_root, liveRunId),
    start: (killAt, arrange) =>
      live.start({
        ...(arrange === undefined ? {} : { arrange }),
        change: { requestText: request, inputs },
        ports: { files: { ...nodeFiles, read } },
        ...(killAt === undefined ? {} : { killAt }),
      }),
  };
}

export async function makeLiveRunFiles(): Promise<LiveRunFiles> {
  const { live, folder, start } = await makeEvidencedWorld();
  try {
    const outcome = await start();
    if (outcome.result !== "done") throw new Error(`the run is ${outcome.result}: ${outcome.code ?? ""}`);
    return {
      files: await readAll(folder),
      bundle: await readFile(join(folder, "audit-bundle.tar")),
      key: live.sovereign.file,
      otherKey: live.stranger.file,
      sign: async (document, as = "sovereign") =>
        Buffer.from(await (as === "sovereign" ? live.sovereign : live.stranger).sign(Buffer.from(document).toString("utf8"), signedAt)),
    };
  } finally {
    await live.remove();
  }
}

/** All but what no bundle holds. */
async function readAll(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const names = entries
    .map((path) => path.slice(folder.length + 1))
    .filter((name) => name !== "audit-bundle.tar" && name !== "EVIDENCE.sha256" && !name.endsWith(".gpg"));
  return new Map(await Promise.all(names.toSorted().map(async (name) => [name, await readFile(join(folder, name))] as const)));
}

/** The content of EVIDENCE.sha256 for these files; a list among them is left out. */
export function toEvidenceList(files: ReadonlyMap<string, Buffer>): Buffer {
  return Buffer.from(
    [...files.keys()]
      .filter((name) => name !== "EVIDENCE.sha256")
      .toSorted()
      .map((name) => `${sha256Hex(files.get(name) ?? Buffer.alloc(0))}  ${name}\n`)
      .join(""),
  );
}

/** The lines of a journal, parsed. */
export function toRecords(lines: readonly string[]): readonly JournalRecord[] {
  return lines.map((line) => {
    const record = parseRecord(JSON.parse(line));
    if (record === null) throw new Error(`no record: ${line}`);
    return record;
  });
}
