// One registered document, looked at for a first cut: what its bytes say of its structure. Pure.
import { toPlannedUnits } from "../plan/cutplan.ts";
import { parseDocCode } from "../plan/address.ts";
import { markSource } from "../plan/mark.ts";
import { sha256Hex } from "../encoding/digest.ts";
import type { CandidateFacts } from "./proposal.ts";

export interface CandidateSource {
  readonly documentId: string;
  readonly docCode: string;
  readonly body: string;
  readonly registeredSha256: string;
  readonly unitsThere: number;
  readonly dependants: readonly string[];
  readonly ownWork: string | null;
  readonly dryRun: CandidateFacts["dryRun"];
}

/** @throws SOURCE_* when the document cannot be cut at all */
export function toCandidateFacts({ body, docCode, ...source }: CandidateSource): CandidateFacts {
  const bytes = Buffer.from(body, "utf8");
  const marked = markSource(bytes);
  const titles = new Map<string, number>();
  for (const { title } of marked.headings) titles.set(title, (titles.get(title) ?? 0) + 1);
  const levels = marked.headings.map(({ level }) => level);
  return {
    ...source,
    bytes: bytes.length,
    lines: body.split("\n").length,
    units: toPlannedUnits(parseDocCode(docCode), bytes, marked).length,
    headings: marked.headings.length,
    duplicateTitles: [...titles.values()].filter((count) => count > 1).length,
    levelSkips: levels.filter((level, index) => index > 0 && level > (levels[index - 1] ?? level) + 1).length,
    openFence: (body.match(/^ {0,3}(?:`{3,}|~{3,})/gm) ?? []).length % 2 === 1,
    frontMatter: marked.frontMatterEnd !== null,
    sha256: sha256Hex(bytes),
  };
}
