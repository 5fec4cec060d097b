// What fires beside a write, as a section of a phase's document. Pure.
import type { Firing } from "../core/database/contract.ts";
import { toFence } from "../core/page/markdown.ts";
import { toFiringLine } from "../core/report/firing.ts";

/** Nothing fires: no section. */
export function toFiringSections(firing: readonly Firing[]): readonly { readonly title: string; readonly body: string }[] {
  if (firing.length === 0) return [];
  const lines = toFence(firing.map(toFiringLine).join("\n"), "text");
  const meaning =
    "A live run makes these fire. Rows that they write outside the tables in scope are counted by no part of a run, and a revert does " +
    "not take them back.";
  return [{ title: "What fires beside a write", body: [...lines, "", meaning].join("\n") }];
}
