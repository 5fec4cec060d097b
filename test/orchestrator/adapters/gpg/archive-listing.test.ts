// The table of contents of an archive, as pg_restore 18 prints it: whose data is in it.
import { expect, it } from "vitest";
import { toArchivedTables, toMissingTables } from "../../../../orchestrator/adapters/gpg/prove-archive.ts";

const listing = `;
; Archive created at 2026-11-23 00:07:41 UTC
;     dbname: directus
;     TOC Entries: 65
;
225; 1259 17167 TABLE public information_unit workflow_admin
3981; 0 0 ACL public TABLE information_unit workflow_admin
3967; 0 17355 TABLE DATA cutter_governance cut_change_set workflow_admin
3962; 0 17167 TABLE DATA public information_unit workflow_admin
3787; 2606 17379 CONSTRAINT cutter_governance cut_change_set cut_change_set_pkey workflow_admin
`;

it("names the tables with data, and no other entry of theirs", () => {
  expect(toArchivedTables(listing)).toEqual(["cutter_governance.cut_change_set", "public.information_unit"]);
});

it.each([
  [
    "a table that is only defined",
    listing.replace("TABLE DATA public information_unit", "INDEX public information_unit"),
    ["public.information_unit"],
  ],
  [
    "a table that is there twice",
    `${listing}4000; 0 17167 TABLE DATA public information_unit workflow_admin\n`,
    ["public.information_unit"],
  ],
  ["an entry that is commented out", listing.replace("3962;", ";3962;"), ["public.information_unit"]],
  [
    "a name that only begins alike",
    listing.replace("TABLE DATA public information_unit", "TABLE DATA public information_unit_old"),
    ["public.information_unit"],
  ],
  ["no listing at all", "", ["public.information_unit", "cutter_governance.cut_change_set"]],
])("misses %s", (_what, text, missing) => {
  expect(toMissingTables(listing, ["public.information_unit", "cutter_governance.cut_change_set"])).toEqual([]);
  expect(toMissingTables(text, ["public.information_unit", "cutter_governance.cut_change_set"])).toEqual(missing);
});
