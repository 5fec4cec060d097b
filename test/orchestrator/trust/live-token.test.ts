// The judge of the live token: true for exactly what was armed, here and now; false for every field that is wrong, every file that is not
// the one, every doubt.
import { chmod, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { nodeFiles } from "../../../orchestrator/adapters/node-files/node-files.ts";
import type { ArmToken } from "../../../orchestrator/core/arming/token.ts";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import { readLiveToken, requireLiveToken, tokenVerifier, type TokenEnvironment } from "../../../orchestrator/trust/live-token.ts";
import { executionEnabled } from "../../../orchestrator/kill-switch.ts";
import { exportKey, host, payload, release, ruling, sg1, sign, toDocument } from "../../support/approval-material.ts";
import { seconds, toToken } from "../../support/arm-token.ts";
import { createGpgHome, type GpgHome } from "../../support/gpg.ts";

const runId = "run-1";
const documentId = "knowledge/dev/harmless.md";
const runbook = "-- the runbook\n";
const requestText = stringify({
  schema: "cutter.request/1",
  run_id: runId,
  document_id: documentId,
  mode: "live",
  approvals: { SG_1: "knowledge/a.md", SG_2: "knowledge/b.md" },
});
const config = {
  expected_grant_matrix_sha: sha256Hex("the grants"),
  backup_gpg_fpr: "A".repeat(40),
  kb_base_url: "https://kb.example.org/api",
  kb_runs_folder: "knowledge/current-state/cutter-runs",
  kb_runs_index_path: "knowledge/current-state/cutter-runs/index.md",
  governance_principal: "directus_secdef",
  postgres_access: { kind: "docker", container: "postgres", user: "directus" },
};

let home: GpgHome;
let people: { readonly sovereign: string; readonly architect: string; readonly backup: string };
let folder: string;
let now: Date;
let measured: { release: string | null; host: string | null };
let world: TokenEnvironment;
const at = (path: string): string => join(folder, path);
const liveFile = (name: string): string => at(`live/${runId}/${name}`);
const judge = (): Promise<boolean> => tokenVerifier(world)(runId, at(`live/${runId}`));

beforeAll(() => {
  home = createGpgHome();
  people = {
    sovereign: home.createKey("sovereign", { algorithm: "ed25519" }),
    architect: home.createKey("architect", { algorithm: "ed25519" }),
    backup: home.createKey("backup", { algorithm: "ed25519" }),
  };
});
afterAll(() => home.remove());
afterEach(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cutter-token-"));
  for (const name of ["live", "keys", "requests", `live/${runId}`]) await mkdir(at(name), { mode: 0o750 });
  await writeFile(at("orchestrator.yaml"), stringify(config));
  await writeFile(at("rollback.sql"), runbook);
  await writeFile(at(`requests/${runId}.yaml`), requestText);
  for (const role of ["sovereign", "architect", "backup"] as const) await writeFile(at(`keys/${role}.asc`), exportKey(home, people[role]));
  now = new Date();
  measured = { release, host };
  world = {
    files: nodeFiles,
    paths: {
      live: at("live"),
      keys: at("keys"),
      requests: at("requests"),
      config: at("orchestrator.yaml"),
      rollbackRunbook: at("rollback.sql"),
      ownerUid: process.getuid?.() ?? 0,
    },
    clock: { now: () => now },
    readReleaseSha256: () => Promise.resolve(measured.release),
    readHostIdentity: () => Promise.resolve(measured.host),
  };
  await installRuling(rulingOf());
});

const rulingOf = (change: object = {}): Buffer =>
  toDocument(
    ruling({
      rollback_runbook_sha256: sha256Hex(runbook),
      expires_at: seconds(new Date(now.getTime() + 7_200_000)),
      issued_at: seconds(now),
      ...change,
    }),
  );

/** What root installs for this ruling, and the start it notes. */
async function installRuling(document: Buffer, change: Partial<ArmToken> = {}): Promise<void> {
  const key = async (role: "sovereign" | "architect" | "backup") => ({
    fingerprint: people[role],
    sha256: sha256Hex(await readFile(at(`keys/${role}.asc`))),
  });
  const token = toToken(now, {
    run_id: runId,
    document_id: documentId,
    payload_sha: payload,
    request_sha256: sha256Hex(requestText),
    release_sha256: release,
    host,
    ruling_sha256: sha256Hex(document),
    accepts: ["PRINCIPAL_TOO_STRONG"],
    human_signers: 2,
    keys: { sovereign: await key("sovereign"), architect: await key("architect"), backup: await key("backup") },
    ...change,
  });
  await put("ruling.md", document);
  await put("ruling.md.sovereign.asc", sign(home, document, { key: people.sovereign }));
  await put("ruling.md.architect.asc", sign(home, document, { key: people.architect }));
  await put("started_at", `${seconds(now)}\n`);
  await put("token.json", JSON.stringify(token));
}

async function put(name: string, content: Uint8Array | string): Promise<void> {
  await writeFile(liveFile(name), content);
  await chmod(liveFile(name), 0o640);
}

async function change(edit: (token: Record<string, unknown>) => void): Promise<void> {
  const token = JSON.parse(await readFile(liveFile("token.json"), "utf8")) as Record<string, unknown>;
  edit(token);
  await put("token.json", JSON.stringify(token));
}

describe("the live token", () => {
  it("is true for what was armed, and the kill switch says so until the latch or the folder says otherwise", async () => {
    expect(await judge()).toBe(true);
    const paths = { latch: at("DISABLED"), armed: at("armed"), live: at("live") };
    const enabled = () => executionEnabled(runId, { files: nodeFiles, paths, verifyToken: tokenVerifier(world) });
    expect(await enabled()).toBe(true);
    await writeFile(at("DISABLED"), "");
    expect(await enabled()).toBe(false);
    await rm(at("DISABLED"));
    expect(await enabled()).toBe(true);
    await rm(at(`live/${runId}`), { recursive: true });
    expect(await enabled()).toBe(false);
  });

  it("gives the engine payload, start, ruling and the keys by which everything else is judged", async () => {
    const live = await readLiveToken(nodeFiles, world.paths, runId);
    expect(live).toMatchObject({
      payloadSha: payload,
      start: 1,
      starts: 2,
      escalation: null,
      escalationKbId: null,
      keys: { sovereign: { pin: { fingerprint: people.sovereign } }, architect: { pin: { fingerprint: people.architect } } },
    });
    expect(live.ruling.signatures).toHaveLength(2);
    expect((await requireLiveToken(world, runId)).verifiedRuling.humanSigners).toBe(2);
  });

  it.each([
    ["schema", (t: Record<string, unknown>) => (t["schema"] = "cutter.token/2")],
    ["an unknown field", (t: Record<string, unknown>) => (t["force"] = true)],
    ["run_id", (t: Record<string, unknown>) => (t["run_id"] = "run-2")],
    ["document_id", (t: Record<string, unknown>) => (t["document_id"] = "knowledge/dev/other.md")],
    ["payload_sha", (t: Record<string, unknown>) => (t["payload_sha"] = sha256Hex("another plan"))],
    ["request_sha256", (t: Record<string, unknown>) => (t["request_sha256"] = sha256Hex("x"))],
    ["release_sha256", (t: Record<string, unknown>) => (t["release_sha256"] = sha256Hex("x"))],
    ["host", (t: Record<string, unknown>) => (t["host"] = sha256Hex("x"))],
    ["issued_at after the start", (t: Record<string, unknown>) => (t["issued_at"] = seconds(new Date(now.getTime() + 60_000)))],
    [
      "expires_at before the start",
      (t: Record<string, unknown>) =>
        Object.assign(t, { issued_at: seconds(new Date(now.getTime() - 3_600_000)), expires_at: seconds(new Date(now.getTime() - 1_000)) }),
    ],
    ["expires_at beyond the hour", (t: Record<string, unknown>) => (t["expires_at"] = seconds(new Date(now.getTime() + 3_601_000)))],
    ["start beyond starts", (t: Record<string, unknown>) => (t["start"] = 3)],
    ["starts", (t: Record<string, unknown>) => (t["starts"] = 5)],
    ["ruling_sha256", (t: Record<string, unknown>) => (t["ruling_sha256"] = sha256Hex("x"))],
    ["accepts", (t: Record<string, unknown>) => (t["accepts"] = [])],
    ["human_signers", (t: Record<string, unknown>) => (t["human_signers"] = 1)],
    [
      "keys.sovereign.sha256",
      (t: Record<string, unknown>) => Object.assign((t["keys"] as { sovereign: object }).sovereign, { sha256: sha256Hex("x") }),
    ],
    [
      "keys.sovereign.fingerprint",
      (t: Record<string, unknown>) => Object.assign((t["keys"] as { sovereign: object }).sovereign, { fingerprint: "B".repeat(40) }),
    ],
    [
      "keys.architect left out",
      (t: Record<string, unknown>) => Object.assign(t, { human_signers: 1 }, { keys: { ...(t["keys"] as object), architect: null } }),
    ],
    [
      "keys.backup.sha256",
      (t: Record<string, unknown>) => Object.assign((t["keys"] as { backup: object }).backup, { sha256: sha256Hex("x") }),
    ],
    [
      "a decision that is not there",
      (t: Record<string, unknown>) =>
        (t["decision"] = {
          gate: "SG_3",
          decision: "resume",
          phase: "write_verify",
          review_decision_id: "0f9b2c1e-6a57-4d0c-9d5e-3b0f6f1a2c4d",
          document_sha256: sha256Hex("x"),
          kb_id: "knowledge/a.md",
        }),
    ],
  ])("is false when %s is wrong", async (_what, edit) => {
    await change(edit);
    expect(await judge()).toBe(false);
  });

  it.each([
    ["token.json is no JSON", () => put("token.json", "{")],
    [
      "token.json has a key twice",
      async () => put("token.json", (await readFile(liveFile("token.json"), "utf8")).replace("{", '{"run_id":"run-1",')),
    ],
    ["token.json is open to others", () => chmod(liveFile("token.json"), 0o642)],
    [
      "token.json is a link",
      async () => {
        await rename(liveFile("token.json"), at("elsewhere"));
        await symlink(at("elsewhere"), liveFile("token.json"));
      },
    ],
    [
      "the folder is a link",
      async () => {
        await rename(at(`live/${runId}`), at("moved"));
        await symlink(at("moved"), at(`live/${runId}`));
      },
    ],
    ["the folder is open to others", () => chmod(at(`live/${runId}`), 0o777)],
    ["a file more lies there", () => put("more", "")],
    ["a signature is missing", () => rm(liveFile("ruling.md.architect.asc"))],
    [
      "the signatures are swapped for one another's copy",
      async () => put("ruling.md.architect.asc", await readFile(liveFile("ruling.md.sovereign.asc"))),
    ],
    ["the ruling is another file", async () => put("ruling.md", Buffer.concat([await readFile(liveFile("ruling.md")), Buffer.from("\n")]))],
    ["the start was never noted", () => rm(liveFile("started_at"))],
    ["the start is noted in another form", () => put("started_at", "now\n")],
    ["the request was changed", () => writeFile(at(`requests/${runId}.yaml`), `${requestText}# changed\n`)],
    ["the request is gone", () => rm(at(`requests/${runId}.yaml`))],
    [
      "the configuration pins another principal",
      () => writeFile(at("orchestrator.yaml"), stringify({ ...config, governance_principal: "cutter_exec" })),
    ],
    [
      "the configuration expects other grants",
      () => writeFile(at("orchestrator.yaml"), stringify({ ...config, expected_grant_matrix_sha: sha256Hex("others") })),
    ],
    ["the rollback runbook is another one", () => writeFile(at("rollback.sql"), "-- changed\n")],
    ["a pinned key was changed", async () => writeFile(at("keys/sovereign.asc"), `${await readFile(at("keys/sovereign.asc"), "utf8")}\n`)],
    ["the backup key was changed", () => writeFile(at("keys/backup.asc"), "x")],
    ["a pinned key is gone", () => rm(at("keys/architect.asc"))],
    [
      "the release is another one",
      () => {
        measured = { ...measured, release: sha256Hex("another") };
      },
    ],
    [
      "there is no release",
      () => {
        measured = { ...measured, release: null };
      },
    ],
    [
      "the host is another one",
      () => {
        measured = { ...measured, host: sha256Hex("another") };
      },
    ],
    [
      "the ruling has expired",
      () => {
        now = new Date(now.getTime() + 7_200_000);
      },
    ],
    [
      "the clock was set back",
      () => {
        now = new Date(now.getTime() - 120_000);
      },
    ],
  ])("is false when %s", async (_what, spoil) => {
    await spoil();
    expect(await judge()).toBe(false);
  });

  it.each([
    ["another run", { run_id: "run-2" }],
    ["another document", { document_id: "knowledge/dev/other.md" }],
    ["another plan", { payload_sha: sha256Hex("another plan") }],
    ["another host", { host: sha256Hex("another") }],
    ["another release", { release_sha256: sha256Hex("another") }],
  ])("is false for a good ruling of %s, whatever the token says", async (_what, fields) => {
    await installRuling(rulingOf(fields));
    expect(await judge()).toBe(false);
  });

  it("is false for an approval of another gate in the ruling's place", async () => {
    await installRuling(toDocument(sg1()));
    expect(await judge()).toBe(false);
  });

  it("is false when anything cannot be read, or for another folder or owner than root's", async () => {
    for (const name of ["facts", "read", "list"] as const) {
      const broken = { ...nodeFiles, [name]: () => Promise.reject(new Error("EIO")) };
      expect(await tokenVerifier({ ...world, files: broken })(runId, at(`live/${runId}`))).toBe(false);
    }
    expect(await tokenVerifier(world)(runId, at("live/run-2"))).toBe(false);
    expect(
      await tokenVerifier({ ...world, paths: { ...world.paths, ownerUid: world.paths.ownerUid + 1 } })(runId, at(`live/${runId}`)),
    ).toBe(false);
    expect(await judge()).toBe(true);
  });

  it("does not need the ruling's hour any more once it was started, but the ruling itself", async () => {
    now = new Date(now.getTime() + 5_400_000);
    expect(await judge()).toBe(true);
  });
});

describe("a token that carries a decision", () => {
  const decided = (change_: object = {}): Buffer =>
    toDocument(
      sg1({
        gate: "SG_3",
        decision: "resume",
        phase: "write_verify",
        review_decision_id: "11111111-2222-4333-8444-555555555555",
        ...change_,
      }),
    );
  const carry = async (document: Buffer): Promise<void> => {
    await installRuling(rulingOf(), {
      decision: {
        gate: "SG_3",
        decision: "resume",
        phase: "write_verify",
        review_decision_id: "11111111-2222-4333-8444-555555555555",
        document_sha256: sha256Hex(document),
        kb_id: "knowledge/a/sg-3-11111111.md",
      },
    });
    await put("sg-3.md", document);
    await put("sg-3.md.asc", sign(home, document, { key: people.sovereign }));
  };

  it("is true with the decision it names, verified, and gives it to the engine", async () => {
    await carry(decided());
    const live = await requireLiveToken(world, runId);
    expect(live.verifiedDecision?.approval).toMatchObject({ gate: "SG_3", decision: "resume" });
    expect(live.escalationKbId).toBe("knowledge/a/sg-3-11111111.md");
    expect(live.escalation?.signatures).toHaveLength(1);
  });

  it.each([
    ["another decision", { decision: "void" }],
    ["another phase", { phase: "cut_leg_a" }],
    ["another UUID", { review_decision_id: "22222222-2222-4333-8444-555555555555" }],
    ["another run", { run_id: "run-2" }],
  ])("is false with one for %s", async (_what, fields) => {
    await carry(decided(fields));
    expect(await judge()).toBe(false);
  });

  it("is false with one the architect signed", async () => {
    await carry(decided());
    await put("sg-3.md.asc", sign(home, decided(), { key: people.architect }));
    expect(await judge()).toBe(false);
  });
});
