// A run's folder: 0700, files 0600, nobody else's. What is read back is compared with what the journal recorded.
import { createHash } from "node:crypto";
import { CutterError } from "../../core/errors.ts";
import { toPhaseStem } from "../../core/knowledge-base/phase-document-id.ts";
import type { Files } from "../../ports/files.ts";
import type { PhaseName } from "../../core/phase-names.ts";

const folderMode = 0o700;
const fileMode = 0o600;

export interface RunFolder {
  readonly path: string;
  readonly journalPath: string;
  /** Durable when it returns. `name` is a plain name or `folder/name` with folder outputs, documents or approvals. */
  write(name: string, content: string): Promise<void>;
  /** Writes a phase's output; gives the sha256 that the journal records. */
  writeOutput(number: number, phase: PhaseName, output: unknown): Promise<string>;
  /** @throws RUN_FILE_DAMAGED when it is missing or its digest differs. */
  readOutput(number: number, phase: PhaseName, expectedSha256: string): Promise<unknown>;
  read(name: string): Promise<string | null>;
}

/** The folder of a run that exists already, or null. Never creates. */
export async function findRunFolder(files: Files, sidecarRoot: string, runId: string): Promise<RunFolder | null> {
  const path = `${sidecarRoot}/${runId}`;
  return (await files.facts(path)) === null ? null : toRunFolder(files, path);
}

/**
 * Creates the folder, or takes one that is there (prepare-run makes it, empty).
 * @throws RUN_ID_TAKEN, RUN_FOLDER_FOREIGN
 */
export async function ensureRunFolder(files: Files, sidecarRoot: string, runId: string): Promise<RunFolder> {
  const names = (await files.list(sidecarRoot)) ?? [];
  const duplicate = names.find((name) => name !== runId && name.toLowerCase() === runId.toLowerCase());
  if (duplicate !== undefined) throw new CutterError("RUN_ID_TAKEN", { reason: "case", run_id: runId, existing: duplicate });
  const path = `${sidecarRoot}/${runId}`;
  await ensureFolder(files, path);
  await ensureFolder(files, `${path}/outputs`);
  await ensureFolder(files, `${path}/documents`);
  await ensureFolder(files, `${path}/approvals`);
  return toRunFolder(files, path);
}

async function ensureFolder(files: Files, path: string): Promise<void> {
  await files.makeFolder(path, folderMode);
  const facts = await files.facts(path);
  if (facts?.kind !== "folder" || facts.mode !== folderMode) {
    throw new CutterError("RUN_FOLDER_FOREIGN", {
      path,
      kind: facts?.kind ?? "absent",
      mode: facts === null ? null : facts.mode.toString(8),
    });
  }
}

/** Looks at nothing and makes nothing. */
export function toRunFolder(files: Files, path: string): RunFolder {
  return {
    path,
    journalPath: `${path}/journal.jsonl`,
    write: (name, content) => files.writeAtomic(`${path}/${name}`, content, fileMode),
    writeOutput: async (number, phase, output) => {
      const content = `${JSON.stringify(output, null, 1)}\n`;
      await files.writeAtomic(`${path}/${toOutputName(number, phase)}`, content, fileMode);
      return toSha256(content);
    },
    readOutput: async (number, phase, expectedSha256) => {
      const name = toOutputName(number, phase);
      const bytes = await files.read(`${path}/${name}`);
      const foundSha256 = bytes === null ? null : toSha256(bytes);
      if (bytes === null || foundSha256 !== expectedSha256) {
        throw new CutterError("RUN_FILE_DAMAGED", { file: `${path}/${name}`, expected_sha256: expectedSha256, found_sha256: foundSha256 });
      }
      const output: unknown = JSON.parse(new TextDecoder().decode(bytes));
      return output;
    },
    read: async (name) => {
      const bytes = await files.read(`${path}/${name}`);
      return bytes === null ? null : new TextDecoder().decode(bytes);
    },
  };
}

function toOutputName(number: number, phase: PhaseName): string {
  return `outputs/${toPhaseStem(number, phase)}.json`;
}

function toSha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
