// Phase 2: finds the headings, on the bytes. Pure computation.
import { markSource } from "../core/plan/mark.ts";
import { toVerdict } from "../core/run/verdict.ts";
import { sourcePin } from "./01-source-pin.ts";
import { readPhase } from "./define.ts";
import { markedSourceSchema } from "./schemas.ts";

export const mark = readPhase({
  name: "mark",
  needs: { sourcePin },
  output: markedSourceSchema,
  observe: (_ports, { sourcePin }) => Promise.resolve(markSource(Buffer.from(sourcePin.body, "utf8"))),
  precondition: () => toVerdict(),
  conclude: (marked) => ({ ...marked, headings: marked.headings.map((heading) => ({ ...heading })) }),
  text: (marked) => ({
    summary: `${String(marked.headings.length)} headings found in ${String(marked.sourceBytes)} bytes`,
    facts: [
      ["headings", marked.headings.length],
      ["source bytes", marked.sourceBytes],
      ["source sha256", marked.sourceSha256],
      ["front matter ends at byte", marked.frontMatterEnd],
      ["cut points", marked.headings.filter((heading) => heading.cut === "cut_point").length],
      ...[1, 2, 3, 4, 5, 6].map(
        (level) => [`level ${String(level)}`, marked.headings.filter((heading) => heading.level === level).length] as const,
      ),
    ],
  }),
});
