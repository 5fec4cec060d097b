// cutter survey: how ready this host is, gap by gap, with evidence. Needs root to look, and changes nothing.
import { buildCommand } from "@stricli/core";
import { CutterError } from "../core/errors.ts";
import { parseConnections } from "../core/host/connections.ts";
import { parseHostFacts } from "../core/host/facts.ts";
import { verifyArchivedRestoreProofs } from "../core/gaps/restore-proof.ts";
import { verifyArchivedRulings } from "../core/gaps/archived-rulings.ts";
import { renderSurvey, type SurveyForm } from "../core/survey/renderings.ts";
import { toClosingLine } from "../core/survey/text.ts";
import { toSurvey } from "../core/survey/survey.ts";
import type { CutterContext } from "./context.ts";
import { loadConfig } from "../config/load.ts";
import { commonFlags, parseString, print, ranAsCutter, writePage, type CommonFlags } from "./flags.ts";

interface SurveyFlags extends CommonFlags {
  readonly markdown: boolean;
  readonly html?: string;
}

export const surveyCommand = buildCommand<SurveyFlags, [], CutterContext>({
  docs: { brief: "Say which gaps are open and why, read-only; as root" },
  parameters: {
    flags: {
      ...commonFlags,
      markdown: { kind: "boolean", brief: "Print the readiness report as Markdown", default: false, withNegated: false },
      html: {
        kind: "parsed",
        parse: parseString,
        brief: "Write the report as one HTML page; - is stdout",
        optional: true,
        placeholder: "FILE",
      },
    },
  },
  func: async function (this: CutterContext, flags) {
    const form = toForm(flags);
    const { services } = this;
    const facts = {
      ...parseHostFacts(await services.readHostFactsText()),
      connections: parseConnections((await services.readConnectionsText()) ?? ""),
    };
    const takenAt = services.clock.now();
    const survey = toSurvey(facts, {
      hostName: null,
      takenAt,
      rulings: await verifyArchivedRulings(facts, takenAt),
      restoreProofs: await verifyArchivedRestoreProofs(facts, takenAt),
    });
    const text = renderSurvey(survey, form);
    if (flags.html === undefined) {
      this.process.stdout.write(text);
      return;
    }
    await writePage(this, flags.html, text, `${toClosingLine(survey)};`);
  },
});

function toForm(flags: SurveyFlags): SurveyForm {
  if ([flags.json, flags.markdown, flags.html !== undefined].filter(Boolean).length > 1)
    throw new CutterError("USAGE_INVALID", { problem: "one of --json, --markdown and --html" });
  if (flags.json) return "json";
  if (flags.markdown) return "markdown";
  return flags.html === undefined ? "text" : "html";
}

/** Tries each login and the knowledge base once, by a real connection, and writes nothing; the survey tells what failed. */
export const connectionsCommand = buildCommand<CommonFlags, [], CutterContext>({
  docs: {
    brief: "Try each login and the knowledge base once, and write nothing",
    fullDescription:
      "Opens one connection for each login and reads the runs index of the knowledge base, as a run would. The revert principal's " +
      "login is given to a revert's unit alone and is not among them. Exit 0: tried, whatever did not answer.",
  },
  parameters: { flags: commonFlags },
  func: async function (this: CutterContext, flags) {
    if (await ranAsCutter(this)) return;
    const config = await loadConfig(this.services.files, this.services.paths.config);
    const tried = await this.services.tryConnections(config.value);
    const lines = tried.map(({ name, problem }) => (problem === null ? `[OK]   ${name} answers` : `[ERR]  ${name}: ${problem}`));
    print(this, flags, { schema: "cutter.connections/1", tried }, lines);
  },
});
