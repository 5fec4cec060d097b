// Phase 11: the proof. The switch is off, every table in scope is as it was, and what was written to the knowledge base is named.
import { z } from "zod";
import { certificateSchema, toCertificate, toServerEvidence, type Certificate } from "../core/certificate.ts";
import { CutterError } from "../core/errors.ts";
import { refuseIf, toRefusals, toVerdict, type Verdict } from "../core/verdict.ts";
import type { SwitchState } from "../ports/run-ports.ts";
import { toPhaseDocumentId } from "../core/phase-document-id.ts";
import { cutplan } from "./03-cutplan.ts";
import { lifecycleEnact } from "./10-lifecycle-enact.ts";
import { readPhase } from "./define.ts";

const output = z.strictObject({
  payloadSha: z.string(),
  killSwitch: z.string(),
  certificate: certificateSchema,
  wouldRefuse: z.int(),
});

export const closeout = readPhase({
  name: "closeout",
  needs: { cutplan, lifecycleEnact },
  output,
  observe: async ({ database, history, run, readKillSwitch }) => {
    const after = await database.readTableCensus();
    const serverAfter = await database.readServerFacts(); // after the census, as before it in the beginning: a reset shows in one of them
    const own = toPhaseDocumentId(run.config.kb_runs_folder, run.runId, history.done.length + 1, "closeout");
    const kbDocuments = [...history.done.flatMap((done) => (done.receipt === null ? [] : [done.receipt.documentId])), own, run.config.kb_runs_index_path];
    const { system_identifier: systemIdentifier, counters } = history.before;
    const certificate = toCertificate({
      server: { before: { systemIdentifier, counters: counters === null ? null : { resetAt: counters.reset_at, counted: counters.counted } }, after: toServerEvidence(serverAfter) },
      before: history.before.tables,
      after,
      connections: [...history.connections, ...database.connectionEvidence()],
      unknownAttempts: history.killedAttempts,
      kbDocuments,
    });
    const killSwitch = await readSwitch(readKillSwitch);
    const earlier = history.done.reduce((sum, done) => sum + done.wouldRefuse.length, 0);
    return { certificate, killSwitch, wouldRefuse: earlier + toRefusals(judgeSwitch(killSwitch)).length };
  },
  gate: ({ killSwitch }) => judgeSwitch(killSwitch),
  conclude: ({ certificate, killSwitch, wouldRefuse }, { cutplan }) => ({ payloadSha: cutplan.payloadSha, killSwitch, certificate, wouldRefuse }),
  files: ({ certificate }) => [{ name: "certificate.json", content: `${JSON.stringify(certificate, null, 1)}\n` }],
  text: ({ payloadSha, killSwitch, certificate, wouldRefuse }) => ({
    summary: `no-side-effect certificate: ${certificate.verdict}`,
    facts: [
      ["certificate", certificate.verdict],
      ["kill switch", killSwitch],
      ["payload_sha", payloadSha],
      ["tables in scope", certificate.tables.length],
      ["reasons that would stop a live run", wouldRefuse],
    ],
    sections: [
      ...(certificate.reasons.length === 0 ? [] : [{ title: "Why not pass", body: certificate.reasons.map((reason) => `- ${reason}`).join("\n") }]),
      { title: "Tables in scope, before and after", body: toTableOfTables(certificate.tables) },
      { title: "What our connections did", body: certificate.connections.map((connection) => `- ${connection.login}: ${String(connection.transactions)} transactions, transaction ids assigned: ${connection.transactionIdsAssigned.join(", ") || "none"}`).join("\n") },
      ...(certificate.notCovered.length === 0 ? [] : [{ title: "What this certificate does not cover", body: certificate.notCovered.map((line) => `- ${line}`).join("\n") }]),
      { title: "Knowledge base documents of this run", body: certificate.kbDocuments.map((id) => `- \`${id}\``).join("\n") },
    ],
  }),
});

function toTableOfTables(tables: Certificate["tables"]): string {
  const rows = tables.map((row) => `| \`${row.table}\` | ${String(row.rowsBefore)} | ${String(row.rowsAfter)} | ${row.sha256Before === row.sha256After ? "equal" : "DIFFERENT"} | ${row.modifications} |`);
  return ["| table | rows before | rows after | digests | rows written meanwhile |", "|---|---|---|---|---|", ...rows].join("\n");
}

function judgeSwitch(state: SwitchState["state"] | "unreadable"): Verdict {
  return toVerdict(refuseIf(state !== "off" && state !== "disabled", "SWITCH_NOT_OFF", { state }));
}

/** What cannot be read is not proven off; a dry run records that and goes on. */
async function readSwitch(read: () => Promise<SwitchState>): Promise<SwitchState["state"] | "unreadable"> {
  try {
    return (await read()).state;
  } catch (error) {
    if (error instanceof CutterError) return "unreadable";
    throw error;
  }
}
