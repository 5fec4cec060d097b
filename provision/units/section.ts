// The text form of a unit: sections of settings, one per line, in the order given.
import { toSettingLines, type Settings } from "../../orchestrator/core/host/confinement.ts";

/** Unit text with a first line that says whose it is, so that a person who edits it knows that `pulumi up` will put it back. */
export function toUnitText(purpose: string, sections: Readonly<Record<string, Settings>>): string {
  const blocks = Object.entries(sections).map(([name, settings]) => [`[${name}]`, ...toSettingLines(settings)].join("\n"));
  return `# ${purpose} Installed by pulumi up; an edit here is drift and is put back.\n${blocks.join("\n\n")}\n`;
}
