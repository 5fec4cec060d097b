// A phase that writes names the page with the way back; the page is there.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { phases } from "../../../orchestrator/phases/index.ts";

it("every phase that writes leads to a page for its way back, and five phases write", () => {
  const pages = phases.flatMap(({ name, undo }) => (undo === null ? [] : [{ name, page: undo.page }]));
  expect(pages.map(({ name }) => name)).toEqual(["pre_write_backup", "cut_leg_a", "leg_b_record", "write_verify", "lifecycle_enact"]);
  expect(pages.filter(({ page }) => !existsSync(resolve(import.meta.dirname, "../../..", page)))).toEqual([]);
});
