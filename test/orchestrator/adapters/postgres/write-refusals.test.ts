// What the database itself refuses, told by its own reason: the functions, the constraints, the rights. Nothing of the step stands
// afterwards.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CreateUnits, EnactUnits } from "../../../../orchestrator/ports/write-database.ts";
import { registerDocument, type CutDocument } from "../../../support/database/cut-by-sql.ts";
import { toTestSettings } from "../../../support/database/production-database.ts";
import { makePermission } from "../../../support/write-permission.ts";
import { startWriteWorld, type WriteWorld } from "../../../support/worlds/write-world.ts";

let world: WriteWorld;
beforeAll(async () => {
  world = await startWriteWorld();
}, 60_000);
afterAll(() => world.stop());

type Unit = CreateUnits["units"][number];
type Enact = EnactUnits["units"][number];

/** The last unit changed: whatever was done before it in the same transaction must go too. */
const changeLast = <Of>(units: readonly Of[], change: Partial<Of>): readonly Of[] =>
  units.map((unit, index) => (index === units.length - 1 ? { ...unit, ...change } : unit));

describe("fn_iu_create's reasons", () => {
  it.each<{ readonly reason: string; readonly change: Partial<Unit> }>([
    { reason: "argument_missing", change: { bodySha256: null as unknown as string } },
    { reason: "argument_invalid", change: { kind: "chapter" } },
    { reason: "body_mismatch", change: { body: "## Three\n\nSomething else" } },
    { reason: "review_decision_unknown", change: { docCode: "office-handbook" } },
    { reason: "parent_unknown", change: { parent: "nowhere/at-all" } },
    { reason: "address_taken", change: { address: "office-handbook/office" } },
  ])("$reason", async ({ reason, change }) => {
    const { document, request } = await world.prepareCreate();
    const units = changeLast(request.units, change);
    const address = units.at(-1)?.address;
    await expect(
      world.writer().createUnits(makePermission(document.runId, "cut_leg_a").permission, { ...request, units }),
    ).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { step: "cut_leg_a", reason, address } });
    expect(await world.recorders.readUnits(document.documentId, document.runId)).toEqual([]);
  });

  it("idempotency_conflict: a key that stands for other bytes", async () => {
    const { document, request } = await world.prepareCreate();
    const keys = request.units.map(({ idempotencyKey }) => idempotencyKey);
    const units = changeLast(request.units, { idempotencyKey: keys[0] ?? "" });
    await expect(
      world.writer().createUnits(makePermission(document.runId, "cut_leg_a").permission, { ...request, units }),
    ).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { reason: "idempotency_conflict" } });
    expect(await world.recorders.readUnits(document.documentId, document.runId)).toEqual([]);
  });

  it("gate_closed: the owner's own switch in dot_config", async () => {
    const { document, request } = await world.prepareCreate();
    await withGate("iu_cutter.create", async () => {
      await expect(world.writer().createUnits(makePermission(document.runId, "cut_leg_a").permission, request)).rejects.toMatchObject({
        code: "EFFECT_REFUSED",
        facts: { reason: "gate_closed", address: document.addresses[0] },
      });
    });
    expect(await world.recorders.readUnits(document.documentId, document.runId)).toEqual([]);
  });
});

describe("fn_iu_enact's reasons", () => {
  it.each<{ readonly reason: string; readonly change: Partial<Enact> }>([
    { reason: "argument_missing", change: { expectedVersionId: null as unknown as string } },
    { reason: "unit_unknown", change: { address: "nowhere/at-all" } },
    { reason: "version_moved", change: { expectedVersionId: randomUUID() } },
    { reason: "review_decision_unknown", change: { reviewDecisionId: randomUUID() } },
    { reason: "transition_illegal", change: { toState: "retired" } },
  ])("$reason", async ({ reason, change }) => {
    const { document, request } = await world.prepareEnact();
    await expect(
      world
        .writer()
        .enactUnits(makePermission(document.runId, "lifecycle_enact").permission, { ...request, units: changeLast(request.units, change) }),
    ).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { step: "lifecycle_enact", reason } });
    await expectDraft(document);
  });

  it("idempotency_conflict, gate_closed, and a duplicate, which is no success in a fresh step", async () => {
    const { document, request } = await world.prepareEnact();
    const enact = (change: Partial<Enact> = {}) =>
      world
        .writer()
        .enactUnits(makePermission(document.runId, "lifecycle_enact").permission, { ...request, units: changeLast(request.units, change) });
    await expect(enact({ idempotencyKey: request.units[0]?.idempotencyKey ?? "" })).rejects.toMatchObject({
      code: "EFFECT_REFUSED",
      facts: { reason: "idempotency_conflict" },
    });
    await withGate("iu_cutter.enact", () =>
      expect(enact()).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { reason: "gate_closed" } }),
    );
    await expectDraft(document);
    await enact();
    await expect(enact()).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { reason: "duplicate", address: document.addresses[0] } });
    expect(await world.recorders.readEnacted(document.documentId, document.runId)).toHaveLength(3);
  });

  it("a version made by somebody else between create and enact is not enacted", async () => {
    const { document, request } = await world.prepareEnact();
    await world.admin.query("update public.information_unit set current_version_id = null where canonical_address = $1", [
      document.addresses.at(-1),
    ]);
    await expect(world.writer().enactUnits(makePermission(document.runId, "lifecycle_enact").permission, request)).rejects.toMatchObject({
      code: "EFFECT_REFUSED",
      facts: { reason: "version_moved", address: document.addresses.at(-1) },
    });
    await expectDraft(document);
  });
});

describe("leg B and the verification", () => {
  it("a second change set of the run is refused by its unique key, and half a leg B never stands", async () => {
    const { document, record } = await world.prepareLegB();
    const insert = (change: Partial<typeof record> = {}) =>
      world.writer().recordLegB(makePermission(document.runId, "leg_b_record").permission, { ...record, ...change });
    await expect(insert({ manifest: "[1]" })).rejects.toMatchObject({
      code: "EFFECT_REFUSED",
      facts: { sqlstate: "23514", table: "manifest_envelope" },
    });
    const [signature] = record.signatures;
    if (signature === undefined) throw new Error("no signature");
    await expect(insert({ signatures: [signature, signature] })).rejects.toMatchObject({
      code: "EFFECT_REFUSED",
      facts: { sqlstate: "23505", table: "dot_pair_signature" },
    });
    expect(await world.recorders.readLegB(document.documentId, document.sourceDocumentId, document.runId)).toBeNull();
    await insert();
    await expect(insert()).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { sqlstate: "23505" } });
    expect((await world.recorders.readLegB(document.documentId, document.sourceDocumentId, document.runId))?.record).toEqual(record);
  });

  it("who wrote may not verify (42501); another digest is refused; a third login verifies once", async () => {
    const { document, record } = await world.prepareLegB();
    await world.writer().recordLegB(makePermission(document.runId, "leg_b_record").permission, record);
    const changeSetId = (await world.recorders.readLegB(document.documentId, document.sourceDocumentId, document.runId))?.changeSetId ?? "";
    const row = {
      changeSetId,
      runId: document.runId,
      documentId: document.documentId,
      verdict: "pass" as const,
      unitsChecked: 3,
      toDigest: record.toDigest,
    };
    const verify = (change: Partial<typeof row> = {}, as: "cutter_verify" | "cutter_exec" | "governance" = "cutter_verify") => {
      const { logins } = toTestSettings(world.server);
      const settings = {
        logins: { ...logins, cutter_verify: as === "governance" ? (logins.governance ?? logins.cutter_verify) : logins[as] },
      };
      return world
        .writer({ settings })
        .insertVerifyResult(makePermission(document.runId, "write_verify").permission, { ...row, ...change });
    };
    await world.admin.query(
      "grant usage on schema cutter_governance to cutter_exec; grant select, insert on cutter_governance.verify_result to " +
        "cutter_exec, directus_secdef",
    );
    for (const writer of ["cutter_exec", "governance"] as const)
      await expect(verify({}, writer)).rejects.toMatchObject({ code: "DATABASE_RIGHT_MISSING", facts: { sqlstate: "42501" } });
    await world.admin.query(
      "revoke usage on schema cutter_governance from cutter_exec; revoke select, insert on cutter_governance.verify_result " +
        "from cutter_exec, directus_secdef",
    );
    await expect(verify({ toDigest: "0".repeat(64) })).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { sqlstate: "23514" } });
    await expect(verify({ runId: "another-run" })).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { sqlstate: "23514" } });
    await expect(verify({ changeSetId: randomUUID() })).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { sqlstate: "23503" } });
    expect(await world.recorders.readVerifyResult(document.documentId, changeSetId, document.runId)).toBeNull();
    await verify();
    await expect(verify()).rejects.toMatchObject({ code: "EFFECT_REFUSED", facts: { sqlstate: "23505" } });
    expect(await world.recorders.readVerifyResult(document.documentId, changeSetId, document.runId)).toEqual({
      ...row,
      verifiedBy: "cutter_verify",
    });
  });
});

describe("what a server can do behind our back", () => {
  it("a trigger that swallows the row: the count is wrong, and nothing is committed", async () => {
    const document = await registerDocument(world.server);
    const { permission, transactionIds } = makePermission(document.runId, "SG_1");
    await withTrigger("begin return null; end", "before insert on cutter_governance.review_decision for each row", async () => {
      await expect(world.writer().insertReviewDecision(permission, document.documentId, world.toDecision(document))).rejects.toMatchObject({
        code: "EFFECT_COUNT_WRONG",
        facts: { step: "SG_1", expected: 1, found: 0 },
      });
    });
    expect(transactionIds).toEqual([]);
    expect(await world.recorders.readDecisions(document.documentId, document.sourceDocumentId, document.runId)).toEqual([]);
  });

  it("a deferred constraint refuses before COMMIT is asked for, so its refusal is no lost answer", async () => {
    const { document, request } = await world.prepareCreate();
    const { permission, transactionIds } = makePermission(document.runId, "cut_leg_a");
    await withTrigger(
      "begin raise exception 'no' using errcode = 'check_violation'; end",
      "after insert on public.information_unit deferrable initially deferred for each row",
      async () => {
        await expect(world.writer().createUnits(permission, request)).rejects.toMatchObject({
          code: "EFFECT_REFUSED",
          facts: { sqlstate: "23514" },
        });
      },
    );
    expect(transactionIds).toEqual([]);
    expect(await world.recorders.readUnits(document.documentId, document.runId)).toEqual([]);
  });

  it("settings of the role do not reach a write: durability, isolation, limits and the look for the client are set", async () => {
    const document = await registerDocument(world.server);
    await world.admin.query(`
      create table public.seen (setting text, value text); grant insert on public.seen to directus_secdef; grant usage on schema public to directus_secdef;
      alter role directus_secdef set synchronous_commit = off; alter role directus_secdef set client_connection_check_interval = 0; alter role directus_secdef set default_transaction_isolation = 'serializable';
      alter role directus_secdef set lock_timeout = 0; alter role directus_secdef set statement_timeout = 0; alter role directus_secdef set search_path = 'pg_temp'`);
    const names = [
      "synchronous_commit",
      "client_connection_check_interval",
      "transaction_isolation",
      "transaction_read_only",
      "lock_timeout",
      "statement_timeout",
      "idle_in_transaction_session_timeout",
      "transaction_timeout",
      "search_path",
    ];
    const body =
      `begin insert into public.seen select name, current_setting(name, true) from unnest(array['${names.join("','")}']) as ` +
      "name; return new; end";
    try {
      await withTrigger(body, "before insert on cutter_governance.review_decision for each row", () =>
        world
          .writer()
          .insertReviewDecision(makePermission(document.runId, "SG_1").permission, document.documentId, world.toDecision(document)),
      );
      const {
        rows: [version],
      } = await world.admin.query<{ hasTransactionTimeout: boolean }>(
        'select current_setting($1)::integer >= 170000 as "hasTransactionTimeout"',
        ["server_version_num"],
      );
      const hasTransactionTimeout = version?.hasTransactionTimeout === true;
      const { rows } = await world.admin.query<{ setting: string; value: string | null }>("select setting, value from public.seen");
      expect(Object.fromEntries(rows.map(({ setting, value }) => [setting, value]))).toEqual({
        synchronous_commit: "on",
        client_connection_check_interval: "500ms",
        transaction_isolation: "read committed",
        transaction_read_only: "off",
        lock_timeout: "20s",
        statement_timeout: "30s",
        idle_in_transaction_session_timeout: "30s",
        transaction_timeout: hasTransactionTimeout ? "30s" : null,
        search_path: "pg_catalog,pg_temp",
      });
    } finally {
      await world.admin.query(
        "alter role directus_secdef reset all; drop table public.seen; revoke usage on schema public from directus_secdef",
      );
    }
  });
});

describe("the principals", () => {
  const linesOf = async (principal: string): Promise<readonly string[]> =>
    (await world.database.readGrantMatrix(["context_pack_readonly", "cutter_exec", "cutter_verify", "directus_secdef"])).text
      .split("\n")
      .filter((line) => line.includes(` ${principal}`));

  it("cutter_exec cuts and enacts with these rights and no other", async () => {
    expect(await linesOf("cutter_exec")).toEqual([
      "grant connect on database directus to cutter_exec",
      "grant execute on security definer function public.fn_iu_create(pg_catalog.text,pg_catalog.text,pg_catalog.text,pg_catalog.text,pg_catalog.text,pg_catalog.text,pg_catalog.int4,pg_catalog.text,pg_catalog.text,pg_catalog.text,pg_catalog.int8,pg_catalog.int8,pg_catalog.uuid,pg_catalog.uuid,pg_catalog.uuid) to cutter_exec",
      "grant execute on security definer function " +
        "public.fn_iu_enact(pg_catalog.text,pg_catalog.text,pg_catalog.text,pg_catalog.text,pg_catalog.uuid,pg_catalog.uuid) to " +
        "cutter_exec",
      "grant usage on schema public to cutter_exec",
      "role cutter_exec login",
    ]);
    const { document, request } = await world.prepareEnact();
    await world.writer().enactUnits(makePermission(document.runId, "lifecycle_enact").permission, request);
    expect((await world.recorders.readUnits(document.documentId, document.runId)).map(({ lifecycleState }) => lifecycleState)).toEqual([
      "enacted",
      "enacted",
      "enacted",
    ]);
  });

  it("cutter_exec as governance principal records decisions and leg B with the rights of sql/grants/cutter_exec.sql, and not without", async () => {
    const document = await registerDocument(world.server);
    const { logins } = toTestSettings(world.server);
    const writer = world.writer({ settings: { logins: { ...logins, governance: logins.cutter_exec } } });
    const row = world.toDecision(document);
    const decide = () => writer.insertReviewDecision(makePermission(document.runId, "SG_1").permission, document.documentId, row);
    await expect(decide()).rejects.toMatchObject({ code: "DATABASE_RIGHT_MISSING" });
    const readGrants = (name: string): string => readFileSync(join(import.meta.dirname, "../../../../sql/grants", name), "utf8");
    await world.admin.query(readGrants("cutter_exec.sql"));
    try {
      await decide();
      const request = await world.toCreate(document, row.id);
      await writer.createUnits(makePermission(document.runId, "cut_leg_a").permission, request);
      const { record } = await world.prepareLegB();
      const { sha256: toDigest } = await world.database.readDocumentDigest(document.documentId, document.addresses);
      const mine = {
        ...record,
        runId: document.runId,
        documentId: document.documentId,
        sourceDocumentId: document.sourceDocumentId,
        sourceVersionId: document.sourceVersionId,
        reviewDecisionId: row.id,
        payloadSha: document.payloadSha,
        fromDigest: request.fromDigest,
        toDigest,
      };
      await writer.recordLegB(makePermission(document.runId, "leg_b_record").permission, mine);
      expect(await world.recorders.readLegB(document.documentId, document.sourceDocumentId, document.runId)).toMatchObject({
        recordedBy: "cutter_exec",
        record: mine,
      });
    } finally {
      await world.admin.query(readGrants("cutter_exec.rollback.sql"));
    }
  });

  it("no login for governance: refused before anything is opened", async () => {
    const document = await registerDocument(world.server);
    const writer = world.writer({ settings: { logins: { ...toTestSettings(world.server).logins, governance: null } } });
    await expect(
      writer.insertReviewDecision(makePermission(document.runId, "SG_1").permission, document.documentId, world.toDecision(document)),
    ).rejects.toMatchObject({ code: "DATABASE_LOGIN_UNSET" });
  });
});

async function expectDraft(document: CutDocument): Promise<void> {
  expect(await world.recorders.readEnacted(document.documentId, document.runId)).toEqual([]);
  expect((await world.recorders.readUnits(document.documentId, document.runId)).map(({ lifecycleState }) => lifecycleState)).toEqual([
    "draft",
    "draft",
    "draft",
  ]);
}

async function withGate(key: string, work: () => Promise<void>): Promise<void> {
  await world.admin.query("update public.dot_config set value = 'off' where key = $1", [key]);
  try {
    await work();
  } finally {
    await world.admin.query("update public.dot_config set value = 'on' where key = $1", [key]);
  }
}

/** `when` is everything between the trigger's name and EXECUTE; a deferrable one is a constraint trigger. */
async function withTrigger(body: string, when: string, work: () => Promise<void>): Promise<void> {
  const table = /on (\S+)/.exec(when)?.[1] ?? "";
  await world.admin.query(
    `create function public.planted() returns trigger language plpgsql as $function$ ${body}; $function$; create ` +
      `${when.includes("deferrable") ? "constraint " : ""}trigger a_planted ${when} execute function public.planted()`,
  );
  try {
    await work();
  } finally {
    await world.admin.query(`drop trigger a_planted on ${table}; drop function public.planted()`);
  }
}
