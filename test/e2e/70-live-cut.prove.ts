// More ends of a live cut on the booted host: a right that was planted since the dry run, and SG_3, a signed decision on what went wrong.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kbFaultsFile } from "../../provision/sandbox/host/host-files.ts";
import { fillAndSign } from "../support/approvals.ts";
import { checkout, onHost, sql } from "../support/e2e.ts";
import {
  addDocument,
  clearLiveTraces,
  effects,
  enable,
  journal,
  must,
  nothing,
  prepared,
  result,
  stamp,
  start,
  startUntil,
  switchState,
  whole,
} from "../support/live-cut.ts";
import { ensureReady } from "../support/ready-host.ts";

beforeAll(ensureReady);
afterAll(clearLiveTraces);

describe("nothing is written", () => {
  it("when a right was planted since the dry run", async () => {
    await addDocument("planted");
    const { runId, ruling, sg1, sg2 } = await prepared("planted");
    must(await enable(runId, ruling, sg1, sg2));
    await sql("grant insert on public.information_unit to cutter_exec");
    const planted = await start(runId).finally(() => sql("revoke insert on public.information_unit from cutter_exec"));
    expect([planted.code, planted.output]).toEqual([
      10,
      expect.stringMatching(/GRANT_MATRIX_MISMATCH|FORBIDDEN_RIGHT_PRESENT|PRINCIPAL_TOO_STRONG/),
    ]);
    expect(await effects(runId)).toBe(nothing);
  });
});

describe("SG_3", () => {
  it("is raised when what was written is not what was planned; only a signed decision moves the run", async () => {
    await addDocument("broken");
    const { runId, ruling, sg1, sg2 } = await prepared("broken");
    must(await enable(runId, ruling, sg1, sg2));
    const heading = `broken ${stamp} > Part one > Deeper`;
    const unit = `created_by_run = '${runId}' and ordinal = 2`;
    await startUntil(runId, "06", "cut_leg_a", async () => {
      await sql(
        `update public.unit_version v set heading_path = 'tampered' from public.information_unit u where v.unit_id = u.id and u.${unit}`,
      );
      await onHost(`rm -f ${kbFaultsFile}`);
    });
    expect(await result(runId)).toMatchObject({ exit_code: 20, code: "READ_BACK_DIFFERS" });
    must(await enable(runId, ruling));
    const again = await start(runId);
    expect([again.code, again.output]).toEqual([20, expect.stringContaining("ESCALATION_OPEN")]);
    expect((await onHost(`cutter orchestrate explain --run-id ${runId}`)).stdout).toMatch(/SG_3/);
    expect(
      (await onHost(`cutter orchestrate void --run-id ${runId}`)).stdout +
        (await onHost(`cutter orchestrate void --run-id ${runId}`)).stderr,
    ).toMatch(/VOID_/);

    await sql(
      `update public.unit_version v set heading_path = '${heading}' from public.information_unit u where v.unit_id = u.id and u.${unit}`,
    );
    const draft = await onHost(`cutter approval draft --gate SG_3 --run-id ${runId} --phase structural_verify --decision resume`);
    expect(draft.code).toBe(0);
    writeFileSync(join(checkout, "approvals", runId, `${runId}.SG_3.md`), draft.stdout);
    must(await enable(runId, ruling, await fillAndSign(runId, "SG_3")));
    must(await start(runId));
    expect([await effects(runId), await switchState()]).toEqual([whole, "off"]);
    expect(
      (await journal(runId)).filter(({ kind }) => kind === "escalated" || kind === "escalation_decided").map(({ kind }) => kind),
    ).toEqual(["escalated", "escalation_decided"]);
  });
});
