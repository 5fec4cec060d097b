// The report of a run as a page: what was cut, by whose authority, what it took, what is proven and what is not, and the way back. Pure.
import { codes, isCode } from "../codes/index.ts";
import { toPrintable } from "../errors.ts";
import type { RecordedRefusal } from "../journal/record.ts";
import { list, paragraph, table, type Block, type Page, type Section } from "../page/page.ts";
import type { RevertAccount } from "../revert/account.ts";
import type { RunAccount } from "./account.ts";
import { toAuthority } from "./authority.ts";
import { toBackup, type OwnersProof } from "./backup.ts";
import { toProofs, toWarnings, toRollback } from "./proofs.ts";
import { toBanner } from "./standing.ts";
import { toTables, toTablesTitle } from "./tables.ts";

/** What is asked at the moment of looking; null in the report a run leaves behind, which speaks of the run alone. */
export interface CurrentHostState {
  readonly at: string; // ISO 8601 UTC
  readonly killSwitch: string;
  readonly revert: RevertAccount | null; // null: none ever began
  readonly restoreProofs: readonly OwnersProof[] | null; // those that verify by the keys pinned now; null: they cannot be read from here
}

export function toRunPage(account: RunAccount, now: CurrentHostState | null): Page {
  const titled = (title: string, blocks: readonly Block[]): Section => ({ title, blocks });
  const revert = now?.revert ?? null;
  return {
    title: `Run ${account.runId}`,
    subtitle: `${toModeWords(account)} · document ${account.documentId ?? "none"} · ${toStateWords(account)}`,
    banner: toBanner(account, revert),
    sections: [
      titled(account.mode === "dryrun" ? "What would be cut" : "What was cut", toCut(account)),
      titled("By whose authority", toAuthority(account, revert)),
      titled("Phases", toPhases(account)),
      ...(account.effects.length === 0 ? [] : [titled("What was written", toEffects(account))]),
      titled(toTablesTitle(revert), toTables(account, revert)),
      titled("Backup", toBackup(account, now?.restoreProofs ?? null)),
      titled("Kill switch", toSwitch(account, now)),
      titled("Warnings", toListOr(toWarnings(account, revert), "None.")),
      titled("What is certain, and what is not", toProofs(account, now)),
      titled("How to revert", toRollback(account, revert)),
      titled("What would stop a live run", account.mode === "live" ? [] : toStops(account)),
      titled("What each phase said", toFacts(account)),
    ].filter(({ blocks }) => blocks.length > 0),
  };
}

function toModeWords({ mode }: RunAccount): string {
  return mode === null ? "not begun" : mode === "live" ? "LIVE: it writes to production" : "dry run: it writes nothing to the database";
}

function toStateWords(account: RunAccount): string {
  if (account.voidedWhy !== null) return `voided: ${account.voidedWhy}`;
  if (account.finished) return `done at ${account.lastAt ?? "?"}`;
  return `not done; last record ${account.lastAt ?? "none"}${account.lastCode === null ? "" : `, last start ended with ${account.lastCode}`}`;
}

/** The one step that leaves a file and no row. */
const fileStep = "pre_write_backup";
const shownUnitsMax = 300;

function toCut(account: RunAccount): readonly Block[] {
  const { source, plan, mode } = account;
  const rows = [
    ["Document", account.documentId ?? "none"],
    ...(source === null
      ? []
      : [
          ["Revision", String(source.revision)],
          ["Bytes", String(source.bytes)],
          ["sha256", source.sha256],
          ["Document code", source.docCode],
        ]),
    ...(plan === null
      ? []
      : [
          ["Units", String(plan.units.length)],
          ["payload_sha", plan.payloadSha],
          ["from_digest", plan.fromDigest],
        ]),
    ["Begun", account.begunAt ?? "not begun"],
    ["Starts", String(account.attempts)],
    ["Host", account.inputs?.host_identity ?? "unknown"],
    ["Release", `${account.releaseVersion ?? "?"}, manifest sha256 ${account.inputs?.release_sha256 ?? "none"}`],
  ];
  const units = plan?.units ?? [];
  return [
    table(["What", "Value"], rows),
    ...(plan === null
      ? [paragraph("No plan was computed.")]
      : [
          paragraph(
            mode === "live"
              ? "The units, in the order of the document:"
              : "The units a live run would create, in the order of the document:",
          ),
        ]),
    ...(units.length === 0
      ? []
      : [
          table(
            ["#", "Address", "Kind", "Title"],
            units.slice(0, shownUnitsMax).map(({ ordinal, address, kind, title }) => [String(ordinal), address, kind, title]),
          ),
        ]),
    ...(units.length > shownUnitsMax
      ? [paragraph(`And ${String(units.length - shownUnitsMax)} more; the whole plan is plan.json in the run's folder.`)]
      : []),
  ];
}

function toPhases(account: RunAccount): readonly Block[] {
  if (account.phases.length === 0) return [paragraph("None is done.")];
  return [
    table(
      ["#", "Phase", "Begun", "Took", "What came of it", "Receipt"],
      account.phases.map((phase) => [
        String(phase.number),
        phase.name,
        phase.startedAt ?? "?",
        toDuration(phase.durationMs),
        phase.text?.summary ?? "done",
        phase.receipt === null
          ? "none yet"
          : `${phase.receipt.documentId} revision ${String(phase.receipt.revision)} sha256 ${phase.receipt.sha256.slice(0, 12)}…`,
      ]),
    ),
    paragraph(
      `Together ${toDuration(account.phases.reduce((sum, { durationMs }) => sum + durationMs, 0))}. A receipt is the phase's ` +
        "document as it was read back from the knowledge base.",
    ),
  ];
}

function toEffects(account: RunAccount): readonly Block[] {
  return [
    table(
      ["Step", "Intended", "Transaction ids", "Done", "How it is known"],
      account.effects.map(({ step, intendedAt, transactions, doneAt, found }) => [
        step,
        intendedAt ?? "not recorded",
        transactions.join(", ") || "none",
        doneAt ?? "not done",
        step === fileStep
          ? "the file's own proof"
          : found === "committed"
            ? "committed by this run, and seen"
            : found === "already_there"
              ? "found in the database: taken as done"
              : "unknown",
      ]),
    ),
  ];
}

function toSwitch(account: RunAccount, now: CurrentHostState | null): readonly Block[] {
  return [
    list([
      "__execution_enabled__ is false in the source and in every build.",
      account.killSwitchAtCloseout === null
        ? "Closeout has not looked at it."
        : account.killSwitchAtCloseout === "live"
          ? "At closeout: live, for this run alone, whose unit was still at work."
          : `At closeout: ${account.killSwitchAtCloseout}.`,
      ...(account.mode === "live"
        ? [
            "It went off with the unit: root removes the token when the unit ends, whatever the end is, and the last start of this " +
              `run ended at ${account.lastAt ?? "?"}.`,
          ]
        : ["A dry run holds no token and enables nothing."]),
      ...(now === null ? [] : [`Now, at ${now.at}: ${now.killSwitch}.`]),
    ]),
  ];
}

function toStops(account: RunAccount): readonly Block[] {
  const stops = account.phases.flatMap(({ name, refusals }) => refusals.map((refusal) => ({ name, refusal })));
  if (stops.length === 0) return [paragraph("Nothing found here would stop a live run, but for its approvals and the kill switch.")];
  return [
    table(
      ["Phase", "Code", "Facts", "Remedy"],
      stops.map(({ name, refusal }) => [
        name,
        refusal.code,
        toRefusalFacts(refusal),
        isCode(refusal.code) ? codes[refusal.code].remedy : "",
      ]),
    ),
  ];
}

function toFacts(account: RunAccount): readonly Block[] {
  const rows = account.phases.flatMap(({ name, text }) =>
    (text?.facts ?? []).map(([fact, value]) => [name, fact, value === null ? "none" : String(value)]),
  );
  return rows.length === 0 ? [] : [table(["Phase", "Fact", "Value"], rows)];
}

function toListOr(items: readonly string[], none: string): readonly Block[] {
  return items.length === 0 ? [paragraph(none)] : [list(items)];
}

function toRefusalFacts({ facts }: RecordedRefusal): string {
  return Object.entries(facts)
    .map(([name, value]) => `${name}=${toPrintable(value)}`)
    .join(" ");
}

/** Short for a person: milliseconds below ten seconds, then seconds, then minutes. */
export function toDuration(ms: number): string {
  if (ms < 10_000) return `${String(ms)} ms`;
  return ms < 600_000 ? `${String(Math.round(ms / 1000))} s` : `${String(Math.round(ms / 60_000))} min`;
}
