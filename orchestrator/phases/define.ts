// What a phase is: a typed value. A read phase has no way to write; a write phase writes only with a permission in hand.
import type { z } from "zod";
import type { Verdict } from "../core/run/verdict.ts";
import type { LoginName } from "../ports/database.ts";
import type { Layers } from "../core/journal/effect.ts";
import type { WritePermission } from "../ports/permission.ts";
import type { LivePorts, ReadPorts, RunFacts, RunHistory } from "../ports/run-ports.ts";
import type { PhaseName } from "../core/phase-names.ts";

/** What the phase's document says to a reader. */
export interface PhaseText {
  readonly summary: string; // one line, no final stop
  readonly facts: readonly (readonly [name: string, value: string | number | boolean | null])[];
  readonly sections?: readonly { readonly title: string; readonly body: string }[]; // Markdown
}

/** A file the phase leaves in the run folder. */
interface PhaseFile {
  readonly name: string;
  readonly content: string;
}

export interface PhaseResult {
  readonly output: unknown; // fits the phase's schema
  readonly text: PhaseText;
  readonly files: readonly PhaseFile[];
}

/** A phase that has looked and judged, and has done nothing yet. */
export interface ObservedPhase {
  readonly verdict: Verdict;
  /** What it would do, or for a read phase what it found. Writes nothing. */
  rehearse(): PhaseResult;
  /** Does it; null for read phases. Gives the result where only doing it can tell (a file); rows are read back by `live.conclude`. */
  readonly apply: ((ports: LivePorts, permission: WritePermission) => Promise<PhaseResult | null>) | null;
}

/** All that an effect may depend on besides the journal and the outputs: so that an audit, years later, comes to the same digest. */
export type EffectRun = Pick<RunFacts, "runId" | "documentId">;

/** What the engine asks of a phase that writes rows, before it observes anything: is it there already, and what is it then? */
export interface RowEffect {
  /** Pure. Digest (core/journal/effect.ts) of exactly the rows `apply` leaves. */
  expectedSha256(run: EffectRun, history: RunHistory, outputs: PhaseOutputs): string;
  probe(ports: ReadPorts, outputs: PhaseOutputs): Promise<Layers>;
  /** Reads what landed, after COMMIT. @throws READ_BACK_DIFFERS when it is not what was asked for */
  conclude(ports: ReadPorts, outputs: PhaseOutputs): Promise<PhaseResult>;
}

/** Outputs of the phases before, by name. */
export type PhaseOutputs = ReadonlyMap<PhaseName, unknown>;

/** A phase as the engine sees it. `Output` is what later phases get of it. */
export interface Phase<Output = unknown> {
  readonly name: PhaseName;
  readonly kind: "read" | "write";
  readonly role: LoginName | "governance principal" | "filesystem" | null; // who writes, in a live run
  readonly output: z.ZodType<Output>;
  observe(ports: ReadPorts, outputs: PhaseOutputs): Promise<ObservedPhase>;
  /** Builds text and files again from a recorded output. Pure. */
  toResult(output: unknown): PhaseResult;
  /** Null for phases that write no rows; a file that is not done in the journal is simply made again. */
  readonly live: RowEffect | null;
  readonly undo: Undo | null;
}

interface Undo {
  readonly how: "runbook" | "delete file";
  readonly page: string;
}

type Needs = Readonly<Record<string, Phase>>;
type OutputsOf<N extends Needs> = { readonly [K in keyof N]: z.output<N[K]["output"]> };

interface CommonSpec<N extends Needs, Evidence, Output> {
  readonly name: PhaseName;
  readonly needs: N;
  readonly output: z.ZodType<Output>;
  /** Looks, through read-only ports. Throws only what makes going on impossible even in a dry run. */
  readonly observe: (ports: ReadPorts, needs: OutputsOf<N>) => Promise<Evidence>;
  /** Pure. Every reason that stops a live run. */
  readonly precondition: (evidence: Evidence, needs: OutputsOf<N>) => Verdict;
  readonly text: (output: Output) => PhaseText;
  readonly files?: (output: Output) => readonly PhaseFile[];
}

interface ReadSpec<N extends Needs, Evidence, Output> extends CommonSpec<N, Evidence, Output> {
  /** Pure. */
  readonly conclude: (evidence: Evidence, needs: OutputsOf<N>) => Output;
}

interface WriteSpec<N extends Needs, Evidence, Output> extends CommonSpec<N, Evidence, Output> {
  readonly role: NonNullable<Phase["role"]>;
  /** Pure: exactly what `apply` would do. */
  readonly rehearse: (evidence: Evidence, needs: OutputsOf<N>) => Output;
  readonly live: RowsSpec<N, Evidence, Output> | FileSpec<N, Evidence, Output>;
  readonly undo: Undo;
}

/** A phase whose effect is rows: one transaction, recognisable afterwards. */
interface RowsSpec<N extends Needs, Evidence, Output> {
  readonly effect: "rows";
  /** Pure. The effect as digest (core/journal/effect.ts), from the plan and the decisions alone. */
  readonly expectedSha256: (run: EffectRun, history: RunHistory, needs: OutputsOf<N>) => string;
  readonly probe: (ports: ReadPorts, needs: OutputsOf<N>) => Promise<Layers>;
  /** Does it. Cannot be called without the permission value. */
  readonly apply: (ports: LivePorts, needs: OutputsOf<N>, evidence: Evidence, permission: WritePermission) => Promise<void>;
  readonly conclude: (ports: ReadPorts, needs: OutputsOf<N>) => Promise<Output>;
}

/** A phase whose effect is a file of the run's folder. */
interface FileSpec<N extends Needs, Evidence, Output> {
  readonly effect: "file";
  readonly apply: (ports: LivePorts, needs: OutputsOf<N>, evidence: Evidence, permission: WritePermission) => Promise<Output>;
}

export function readPhase<N extends Needs, Evidence, Output>(spec: ReadSpec<N, Evidence, Output>): Phase<Output> {
  return {
    name: spec.name,
    kind: "read",
    role: null,
    output: spec.output,
    live: null,
    undo: null,
    toResult: (output) => toResult(spec, output),
    observe: async (ports, outputs) => {
      const needs = toNeeds(spec.needs, outputs);
      const evidence = await spec.observe(ports, needs);
      return { verdict: spec.precondition(evidence, needs), rehearse: () => toResult(spec, spec.conclude(evidence, needs)), apply: null };
    },
  };
}

export function writePhase<N extends Needs, Evidence, Output>(spec: WriteSpec<N, Evidence, Output>): Phase<Output> {
  return {
    name: spec.name,
    kind: "write",
    role: spec.role,
    output: spec.output,
    undo: spec.undo,
    live: toLiveRows(spec),
    toResult: (output) => toResult(spec, output),
    observe: async (ports, outputs) => {
      const needs = toNeeds(spec.needs, outputs);
      const evidence = await spec.observe(ports, needs);
      return {
        verdict: spec.precondition(evidence, needs),
        rehearse: () => toResult(spec, spec.rehearse(evidence, needs)),
        apply: async (live, permission) => {
          if (spec.live.effect === "file") return toResult(spec, await spec.live.apply(live, needs, evidence, permission));
          await spec.live.apply(live, needs, evidence, permission);
          return null;
        },
      };
    },
  };
}

function toLiveRows<N extends Needs, Evidence, Output>(spec: WriteSpec<N, Evidence, Output>): RowEffect | null {
  const { live } = spec;
  if (live.effect === "file") return null;
  return {
    expectedSha256: (run, history, outputs) => live.expectedSha256(run, history, toNeeds(spec.needs, outputs)),
    probe: (ports, outputs) => live.probe(ports, toNeeds(spec.needs, outputs)),
    conclude: async (ports, outputs) => toResult(spec, await live.conclude(ports, toNeeds(spec.needs, outputs))),
  };
}

function toResult<N extends Needs, Evidence, Output>(spec: CommonSpec<N, Evidence, Output>, candidate: unknown): PhaseResult {
  const output = spec.output.parse(candidate);
  return { output, text: spec.text(output), files: spec.files?.(output) ?? [] };
}

/** Each need parsed by the schema of the phase it comes from: trust inside, whoever wrote the file it was read from. */
function toNeeds<N extends Needs>(needs: N, outputs: PhaseOutputs): OutputsOf<N> {
  const entries = Object.entries(needs).map(([key, phase]) => [key, phase.output.parse(outputs.get(phase.name))]);
  return Object.fromEntries(entries) as OutputsOf<N>;
}
