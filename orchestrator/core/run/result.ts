// What systemd and the orchestrator say of one start of a run, joined into one result. Pure; finish-run writes it, start-run exits with it.
import { z } from "zod";
import { codes } from "../codes/index.ts";
import { tryParseJson } from "../encoding/try-parse-json.ts";

export const runResultSchema = z.strictObject({
  schema: z.literal("cutter.result/1"),
  run_id: z.string(),
  exit_code: z.int(), // what happened to production (decision 27)
  code: z.string().nullable(), // of the registry, when it did not end as done
  exit_kind: z.string(), // systemd's EXIT_CODE: exited, killed, dumped; "not-started" when the pre-unit refused
  exit_raw: z.string(), // systemd's EXIT_STATUS: a number or a signal name
  service_result: z.string(), // systemd's SERVICE_RESULT: success, exit-code, timeout, …
  result: z.string().nullable(),
  phase: z.string().nullable(),
  certificate: z.string().nullable(),
  payload_sha: z.string().nullable(),
  waits_on: z.string().nullable().default(null), // knowledge_base, SG_2, SG_3; null: the operator alone
});

export type RunResult = z.infer<typeof runResultSchema>;

/** What the orchestrator tells of one start in that start's own folder. */
const startResultSchema = z.strictObject({
  exit_code: z.int(),
  code: z.string().nullable(),
  result: z.string().nullable(),
  phase: z.string().nullable(),
  certificate: z.string().nullable(),
  payload_sha: z.string().nullable(),
  waits_on: z.string().nullable().default(null),
});

export type StartResult = z.infer<typeof startResultSchema>;

export interface ServiceExit {
  readonly exitKind: string;
  readonly exitRaw: string;
  readonly serviceResult: string;
}

/**
 * `told` is the text of this start's end.json or null, never a file an earlier start could have left; it is cutter's, so it counts only
 * where it agrees with the exit status systemd saw. `written`: this run has written to the database, or may have. A run that was killed, or
 * that systemd could not set up, then exits 20, and 10 otherwise.
 */
export function toRunResult(runId: string, written: boolean, end: ServiceExit, startResult: string | null): RunResult {
  const exited = end.exitKind === "exited" && /^\d{1,3}$/.test(end.exitRaw) ? Number(end.exitRaw) : null;
  const base = {
    schema: "cutter.result/1" as const,
    run_id: runId,
    exit_kind: end.exitKind,
    exit_raw: end.exitRaw,
    service_result: end.serviceResult,
  };
  const silent = { result: null, phase: null, certificate: null, payload_sha: null, waits_on: null };
  if (exited === null) return { ...base, ...silent, exit_code: written ? 20 : codes.RUN_KILLED.exit, code: "RUN_KILLED" };
  if (exited >= firstStatusOfSystemd)
    return { ...base, ...silent, exit_code: written ? 20 : codes.RUN_UNIT_NOT_SET_UP.exit, code: "RUN_UNIT_NOT_SET_UP" };
  const agreed = startResultSchema.safeParse(tryParseJson(startResult));
  if (!agreed.success || agreed.data.exit_code !== exited) return { ...base, ...silent, exit_code: exited, code: null };
  const { code, result, phase, certificate, payload_sha, waits_on } = agreed.data;
  return { ...base, exit_code: exited, code, result, phase, certificate, payload_sha, waits_on };
}

/** 200 to 243 are systemd's own: it could not set the process up (user, namespace, credentials, …). */
const firstStatusOfSystemd = 200;
