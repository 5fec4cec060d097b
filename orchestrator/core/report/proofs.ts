// What a run proves and what it cannot, what to look at twice, and the exact way back. Pure.
import { codes, isCode } from "../codes/index.ts";
import { hostLayout } from "../host/layout.ts";
import { commands, list, paragraph, type Block } from "../page/page.ts";
import type { RevertAccount } from "../revert/account.ts";
import { isTakenBack } from "../revert/differences.ts";
import type { RunAccount } from "./account.ts";
import { toOwnersWord, type OwnersProof } from "./backup.ts";
import type { PhaseName } from "../phase-names.ts";

export function toWarnings(account: RunAccount, revert: RevertAccount | null): readonly string[] {
  const accepted = account.mode === "live" ? [...new Set(account.phases.flatMap(({ refusals }) => refusals.map(({ code }) => code)))] : [];
  return [
    ...(revert?.tables ?? [])
      .filter(({ rest }) => rest !== "equal")
      .map(({ table, rest }) =>
        rest === "changed"
          ? `${table}: rows that are not this run's were changed by others between the run and its revert.`
          : `${table}: rows that are not this run's could not be compared after the revert: no count from before the run.`,
      ),
    ...account.effects
      .filter(({ found }) => found === "already_there")
      .map(
        ({ step }) =>
          `${step}: the run was interrupted between its effect and its record. The effect was found in the database with the ` +
          "expected digest, and taken as done.",
      ),
    ...account.effects.filter(({ doneAt }) => doneAt === null).map(({ step }) => `${step}: intended, and not recorded as done.`),
    ...account.effects
      .filter(({ transactions }) => transactions.length > 1)
      .map(({ step, transactions }) => `${step}: ${String(transactions.length)} transactions were begun; at most one of them committed.`),
    ...(account.killedAttempts === 0
      ? []
      : [`${String(account.killedAttempts)} of ${String(account.attempts)} starts ended without a word: killed, or the host went down.`]),
    ...account.tables
      .filter(
        ({ expectedGrowth, rowsAfter, rowsBefore }) =>
          expectedGrowth !== null && rowsAfter !== null && rowsAfter - rowsBefore !== expectedGrowth,
      )
      .map(
        ({ table, expectedGrowth, rowsAfter, rowsBefore }) =>
          `${table} changed by ${String((rowsAfter ?? 0) - rowsBefore)} rows, of which ${String(expectedGrowth)} are this run's: ` +
          "somebody else wrote there meanwhile.",
      ),
    ...account.escalations.map(({ at, entry }) => `SG_3 was raised at ${at}: ${entry.phase} failed with ${entry.code}.`),
    ...accepted.map((code) => `The ruling accepts ${code} by name: ${isCode(code) ? codes[code].summary : "unknown to this release"}.`),
    ...(account.mode === "live" && account.approvals.some(({ entry }) => entry.gate === "RULING" && entry.human_signers < 2)
      ? ["one human signer"]
      : []),
    ...(account.certificate === null || account.certificate === "pass"
      ? []
      : account.certificateReasons.map((reason) => `The certificate is ${account.certificate ?? ""}: ${reason}.`)),
  ];
}

/** What is known at the moment of looking, beside the run itself. */
export interface KnownNow {
  readonly revert: RevertAccount | null;
  readonly restoreProofs: readonly OwnersProof[] | null;
}

export function toProofs(account: RunAccount, now: KnownNow | null): readonly Block[] {
  const { certain, uncertain } = account.mode === "live" ? toLiveProofs(account, now) : toDryProofs(account);
  return [
    paragraph("Certain:"),
    list(certain.length === 0 ? ["Nothing yet: the run is not far enough."] : certain),
    paragraph("Not certain:"),
    list(uncertain),
  ];
}

interface Proofs {
  readonly certain: readonly string[];
  readonly uncertain: readonly string[];
}

const bypass =
  "That nobody went around the kit: root on the host can. The signatures cannot be made there, and anybody who holds the " +
  "sovereign's public key can check them (cutter audit verify).";

function toDryProofs(account: RunAccount): Proofs {
  const { certificate, tables, finished, phases } = account;
  return {
    certain: [
      ...(phases.some(({ name }) => name === "structural_verify") ? ["The bytes of the planned units, in order, are the document."] : []),
      ...(finished && certificate === "pass"
        ? [
            "Nothing was written: no connection of this run was given a transaction id, and rows, digests and modification " +
              `counters of ${String(tables.length)} tables are as they were.`,
          ]
        : []),
    ],
    uncertain: [
      ...(certificate === "pass" ? [] : [`That nothing changed: the certificate is ${certificate ?? "not made yet"}.`]),
      ...account.notCovered.map((line) => `Not covered by the certificate: ${line}`),
      "That the document and its rows stay as they are: a live run computes the plan again and refuses another payload_sha.",
      bypass,
    ],
  };
}

function toLiveProofs(account: RunAccount, now: KnownNow | null): Proofs {
  const isDone = (name: PhaseName): boolean => account.phases.some((phase) => phase.name === name && phase.receipt !== null);
  const undecided = account.effects.filter(({ doneAt }) => doneAt === null).map(({ step }) => step);
  const reverted = now?.revert?.state === "reverted" ? now.revert : null;
  const when = reverted === null ? "" : " This was during the run, before its revert.";
  const backup = (account.backup?.file ?? null) === null ? null : account.backup;
  const owner = backup === null ? null : toOwnersWord(backup, now?.restoreProofs ?? null);
  return {
    certain: [
      ...(reverted === null ? [] : toRevertedProofs(reverted)),
      ...(isDone("structural_verify")
        ? [
            "Another login read every unit back: bytes, tree, counts and addresses equal the plan, and the bytes in order are the " +
              `document.${when}`,
          ]
        : []),
      ...(isDone("write_verify")
        ? [`A second login, which the database keeps apart from the writer, recorded that it verified the change set.${when}`]
        : []),
      ...(backup === null ? [] : ["The backup was decrypted and listed before anything was written."]),
      ...(owner?.proven === true ? [owner.text] : []),
      ...account.effects
        .filter(({ step, found }) => found !== null && step !== "pre_write_backup")
        .map(({ step }) => toEffectProof(step, reverted)),
      ...(isDone("lifecycle_enact") && reverted === null ? ["The units are enacted."] : []),
    ],
    uncertain: [
      ...undecided.map((step) =>
        reverted === null
          ? `Whether ${step} landed: the journal holds its intent only. The next start asks the database; cutter orchestrate explain ` +
            `--run-id ${account.runId} says what to do.`
          : `Whether ${step} landed before the revert: the journal holds its intent only.`,
      ),
      ...(owner === null || owner.proven ? [] : [owner.text]),
      "What others wrote meanwhile to tables in scope: rows of other documents are counted together with ours.",
      ...account.firing.map((line) => `What else was written: ${line}; its rows outside the tables in scope are not counted.`),
      bypass,
    ],
  };
}

function toRevertedProofs({ revertedAt, verifiedAt, units, transactionId, approval }: RevertAccount): readonly string[] {
  return [
    `The run was reverted at ${revertedAt ?? "an unknown time"}` +
      `${transactionId === null ? "" : ` in transaction ${transactionId}`}` +
      `${approval === null ? "" : `, by the approval of ${approval.signer}`}: ${String(units ?? 0)} units are retired.`,
    ...(verifiedAt === null ? [] : [`Another login saw them retired at ${verifiedAt}.`]),
  ];
}

function toEffectProof(step: string, reverted: RevertAccount | null): string {
  if (reverted === null) return `${step}: its effect stands in the database once.`;
  return isTakenBack(step)
    ? `${step}: its effect was written once, and the revert took it back.`
    : `${step}: its rows were written once and stay: they are append-only.`;
}

export function toRollback(account: RunAccount, revert: RevertAccount | null): readonly Block[] {
  const { runId } = account;
  if (revert?.state === "reverted")
    return [
      paragraph(
        `This run was reverted at ${revert.revertedAt ?? "an unknown time"}. ` +
          `${revert.verifiedAt === null ? "No other login has looked since." : `Another login looked at ${revert.verifiedAt}.`} ` +
          "The revert keeps its own journal, approval and outcome in the run's folder, revert/.",
      ),
    ];
  if (revert !== null)
    return [
      paragraph("A revert of this run began and is not finished. Started again, it repeats nothing that landed:"),
      commands([`runbooks/emergency-revert --run-id ${runId} --approval FILE`]),
    ];
  if (account.mode !== "live")
    return [paragraph("There is nothing to revert: this run wrote nothing to the database. Its documents in the knowledge base may stay.")];
  if (account.effects.every(({ step, found }) => step === "SG_1" || step === "pre_write_backup" || found === null) && !account.finished)
    return [
      paragraph("No unit is recorded as created. cutter orchestrate explain says whether anything stands."),
      commands([`cutter orchestrate explain --run-id ${runId}`]),
    ];
  return [
    paragraph(
      "On the host, draft the approval; the sovereign fills it with the commands that the draft prints, and signs it; then, " +
        "from the operator's checkout:",
    ),
    commands([
      `cutter approval draft --gate REVERT --run-id ${runId} >${runId}.REVERT.md`,
      `gpg --armor --detach-sign ${runId}.REVERT.md`,
      `runbooks/emergency-revert --run-id ${runId} --approval ${runId}.REVERT.md`,
    ]),
    paragraph(
      "It retires the units this run created and keeps their identities, in one transaction, after a fresh backup; it refuses " +
        `if their rows changed since. The SQL is ${hostLayout.rollbackRunbook}; for the owner's SQL gate:`,
    ),
    commands([`cutter revert --run-id ${runId} --render`]),
    paragraph("To stop everything at once, from anywhere:"),
    commands([`ssh root@HOST 'touch ${hostLayout.latch}; rm -rf ${hostLayout.armed}/* ${hostLayout.live}/*'`]),
  ];
}
