// Phase 11: the proof. A dry run: every table in scope is as it was, the switch is off. A live run: every table grew by exactly the run's
// rows, or says who else wrote.
import { z } from "zod";
import { certificateSchema, toCertificate, toServerEvidence, type Certificate } from "../core/run/certificate.ts";
import { CutterError } from "../core/errors.ts";
import { refuseIf, toRefusals, toVerdict, type Verdict } from "../core/run/verdict.ts";
import { tableGrowthSchema, toExpectedGrowth, toGrowth, type TableGrowth } from "../core/run/table-growth.ts";
import type { RunFacts, SwitchState } from "../ports/run-ports.ts";
import { toFiringLine } from "../core/report/firing.ts";
import { toPhaseDocumentId } from "../core/knowledge-base/phase-document-id.ts";
import { sourcePin } from "./01-source-pin.ts";
import { cutplan } from "./03-cutplan.ts";
import { legBRecord } from "./08-leg-b-record.ts";
import { lifecycleEnact } from "./10-lifecycle-enact.ts";
import { readPhase, type PhaseText } from "./define.ts";

const output = z.strictObject({
  payloadSha: z.string(),
  killSwitch: z.string(),
  certificate: certificateSchema.nullable(), // null in a live run: it has written
  tables: certificateSchema.shape.tables,
  growth: z.array(tableGrowthSchema), // of a live run; a dry run's certificate says it all
  wouldRefuse: z.int(),
});

export const closeout = readPhase({
  name: "closeout",
  needs: { sourcePin, cutplan, legBRecord, lifecycleEnact },
  output,
  observe: async ({ database, history, run, readKillSwitch }, { sourcePin, cutplan, legBRecord }) => {
    const hidden = await database.readHiddenTables();
    const after = await database.readTableCensus();
    const serverAfter = await database.readServerFacts(); // after the census, as before it in the beginning: a reset shows in one of them
    const own = toPhaseDocumentId(run.config.kb_runs_folder, run.runId, history.done.length + 1, "closeout");
    const kbDocuments = [
      ...history.done.flatMap((done) => (done.receipt === null ? [] : [done.receipt.documentId])),
      own,
      run.config.kb_runs_index_path,
    ];
    const { system_identifier: systemIdentifier, counters } = history.before;
    const certificate = toCertificate({
      server: {
        before: { systemIdentifier, counters: counters === null ? null : { resetAt: counters.reset_at, counted: counters.counted } },
        after: toServerEvidence(serverAfter),
      },
      before: history.before.tables,
      after,
      connections: [...history.connections, ...database.connectionEvidence()],
      unknownAttempts: history.killedAttempts,
      hidden,
      standby: serverAfter.inRecovery,
      firing: sourcePin.firing.map(toFiringLine),
      kbDocuments,
    });
    const killSwitch = await readSwitch(readKillSwitch);
    const earlier = history.done.reduce((sum, done) => sum + done.wouldRefuse.length, 0);
    if (run.mode === "dryrun")
      return {
        run,
        certificate,
        tables: certificate.tables,
        growth: [],
        killSwitch,
        wouldRefuse: earlier + toRefusals(toSwitchVerdict(run, killSwitch)).length,
      };
    const growth = toGrowth(
      certificate.tables,
      toExpectedGrowth(
        cutplan.plan.units.length,
        legBRecord.rows.map(({ table }) => table),
      ),
    );
    return { run, certificate: null, tables: certificate.tables, growth, killSwitch, wouldRefuse: earlier };
  },
  precondition: ({ run, killSwitch, growth }) =>
    toVerdict(
      ...[toSwitchVerdict(run, killSwitch)].map(toRefusals),
      ...growth.map(({ table, expected, found }) => refuseIf(found < expected, "CLOSEOUT_ROWS_MISSING", { table, expected, found })),
    ),
  conclude: ({ certificate, tables, growth, killSwitch, wouldRefuse }, { cutplan }) => ({
    payloadSha: cutplan.payloadSha,
    killSwitch: killSwitch.state,
    certificate,
    tables: [...tables],
    growth: [...growth],
    wouldRefuse,
  }),
  files: ({ certificate }) =>
    certificate === null ? [] : [{ name: "certificate.json", content: `${JSON.stringify(certificate, null, 1)}\n` }],
  text: ({ payloadSha, killSwitch, certificate, tables, growth, wouldRefuse }) =>
    certificate === null
      ? toLiveText({ payloadSha, killSwitch, tables, growth })
      : {
          summary: `no-side-effect certificate: ${certificate.verdict}`,
          facts: [
            ["certificate", certificate.verdict],
            ["kill switch", killSwitch],
            ["payload_sha", payloadSha],
            ["tables in scope", certificate.tables.length],
            ["reasons that would stop a live run", wouldRefuse],
          ],
          sections: [
            ...(certificate.reasons.length === 0
              ? []
              : [{ title: "Why not pass", body: certificate.reasons.map((reason) => `- ${reason}`).join("\n") }]),
            { title: "Tables in scope, before and after", body: toTableOfTables(certificate.tables) },
            {
              title: "What our connections did",
              body: certificate.connections
                .map(
                  (connection) =>
                    `- ${connection.login}: ${String(connection.transactions)} transactions, transaction ids assigned: ` +
                    `${connection.transactionIdsAssigned.join(", ") || "none"}`,
                )
                .join("\n"),
            },
            ...(certificate.notCovered.length === 0
              ? []
              : [{ title: "What this certificate does not cover", body: certificate.notCovered.map((line) => `- ${line}`).join("\n") }]),
            { title: "Knowledge base documents of this run", body: certificate.kbDocuments.map((id) => `- \`${id}\``).join("\n") },
          ],
        },
});

interface Closed {
  readonly payloadSha: string;
  readonly killSwitch: string;
  readonly tables: Certificate["tables"];
  readonly growth: readonly TableGrowth[];
}

function toLiveText({ payloadSha, killSwitch, tables, growth }: Closed): PhaseText {
  const more = growth.filter(({ expected, found }) => found > expected);
  return {
    summary:
      more.length === 0
        ? "every table in scope grew by exactly this run's rows"
        : `this run's rows are all there; ${String(more.length)} tables grew by more, so others wrote as well`,
    facts: [
      ["payload_sha", payloadSha],
      ["kill switch while this is written", killSwitch],
      ["tables in scope", tables.length],
    ],
    sections: [
      {
        title: "Growth of the tables in scope",
        body: [
          "| table | rows of this run | grown by |",
          "|---|---|---|",
          ...growth.map(({ table, expected, found }) => `| \`${table}\` | ${String(expected)} | ${String(found)} |`),
        ].join("\n"),
      },
      { title: "Tables in scope, before and after", body: toTableOfTables(tables) },
      {
        title: "What ends the permission",
        body:
          "This run's token is removed by the root step after the run, whatever its end was; the result file of this start is " +
          "written after that and says so. A reboot removes it as well.",
      },
    ],
  };
}

function toTableOfTables(tables: Certificate["tables"]): string {
  const rows = tables.map(
    (row) =>
      `| \`${row.table}\` | ${String(row.rowsBefore)} | ${String(row.rowsAfter)} | ` +
      `${row.sha256Before === row.sha256After ? "equal" : "DIFFERENT"} | ${row.modifications} |`,
  );
  return ["| table | rows before | rows after | digests | rows written meanwhile |", "|---|---|---|---|---|", ...rows].join("\n");
}

/** A dry run wants it off. A live run stands under its own token and under nobody else's. */
function toSwitchVerdict(
  { mode, runId }: Pick<RunFacts, "mode" | "runId">,
  found: SwitchState | { readonly state: "unreadable" },
): Verdict {
  const off = found.state === "off" || found.state === "disabled";
  const own = found.state === "live" && found.runId === runId;
  const whose = "runId" in found ? { run_id: found.runId } : {};
  return toVerdict(refuseIf(mode === "dryrun" ? !off : !own, "SWITCH_NOT_OFF", { state: found.state, mode, ...whose }));
}

/** What cannot be read is not proven off; a dry run records that and goes on. */
async function readSwitch(read: () => Promise<SwitchState>): Promise<SwitchState | { readonly state: "unreadable" }> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof CutterError) return { state: "unreadable" };
    throw error;
  }
}
