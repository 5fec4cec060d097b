// survey: how ready the stack's host is, gap by gap, with evidence. Reads only: it enables nothing and changes nothing.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { CutterError } from "../orchestrator/core/errors.ts";
import { verifyArchivedRestoreProofs } from "../orchestrator/core/gaps/restore-proof.ts";
import { verifyArchivedRulings } from "../orchestrator/core/gaps/archived-rulings.ts";
import { hostLayout } from "../orchestrator/core/host/layout.ts";
import { renderSurvey, type SurveyForm } from "../orchestrator/core/survey/renderings.ts";
import { toClosingLine } from "../orchestrator/core/survey/text.ts";
import { parseConnections, type TriedConnection } from "../orchestrator/core/host/connections.ts";
import { toSurvey } from "../orchestrator/core/survey/survey.ts";
import type { RemoteHost } from "../provision/host/connection.ts";
import { readSurveyFacts } from "../provision/survey/read-facts.ts";
import { runScript } from "./script.ts";
import { readStack, stackOptions, withHost } from "./stack.ts";

const usage = `runbooks/survey [--stack S] [--host H] [--json | --markdown | --html FILE|-]      (or: npm run survey -- ...)
  Says which gaps of the host are open, with evidence. Reads only. Without --stack: the only one there is.
Exit: 0 surveyed, whatever is open · 2 usage · 10 not surveyed · 78 configuration`;

await runScript(usage, async () => {
  const { values } = parseArgs({
    options: {
      ...stackOptions,
      json: { type: "boolean", default: false },
      markdown: { type: "boolean", default: false },
      html: { type: "string" },
    },
  });
  if ([values.json, values.markdown, values.html !== undefined].filter(Boolean).length > 1)
    throw new CutterError("USAGE_INVALID", { problem: "one of --json, --markdown and --html" });
  const form: SurveyForm = values.json ? "json" : values.markdown ? "markdown" : values.html !== undefined ? "html" : "text";
  const config = readStack(values.stack);
  const survey = await withHost(config, values.host, async (host) => {
    const facts = { ...(await readSurveyFacts(host, config.psql)), connections: await readConnections(host) };
    const takenAt = new Date();
    return toSurvey(facts, {
      hostName: host.address.name,
      takenAt,
      rulings: await verifyArchivedRulings(facts, takenAt),
      restoreProofs: await verifyArchivedRestoreProofs(facts, takenAt),
    });
  });
  const text = renderSurvey(survey, form);
  if (values.html === undefined || values.html === "-") process.stdout.write(text);
  else {
    writePage(values.html, text);
    console.log(`${toClosingLine(survey)}; written to ${values.html}`);
  }
  return 0;
});

/** @throws USAGE_INVALID when no file can be there */
function writePage(file: string, page: string): void {
  try {
    writeFileSync(file, page);
  } catch (cause) {
    const problem = cause instanceof Error && "code" in cause ? String(cause.code) : "cannot be written";
    throw new CutterError("USAGE_INVALID", { option: "--html", file, problem }, { cause });
  }
}

/** By the host's own command, as a run connects; before the first up there is none, and nothing is tried. */
async function readConnections(host: RemoteHost): Promise<readonly TriedConnection[] | null> {
  const { code, stdout } = await host.run('[ ! -x "$1" ] || exec "$1" connections --json', [hostLayout.command], { timeoutMs: 60_000 });
  return code === 0 ? parseConnections(stdout) : null;
}
