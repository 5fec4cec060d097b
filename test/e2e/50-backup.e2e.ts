// The proven backup on the booted host: in the run's own unit, through root's helper, with the server's own pg_dump and pg_restore,
// restored into the scratch database.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { backupTables } from "../../orchestrator/core/backup/tables.ts";
import { readSandboxState } from "../../provision/sandbox/state/state.ts";
import { createGpgHome } from "../support/gpg.ts";
import { checkout, onHost, readCensus, sql } from "../support/e2e.ts";
import { ensureReady } from "../support/ready-host.ts";

const runId = `backup-${new Date().toISOString().replace(/[-:]|\.\d+/g, "")}.dryrun`;
const place = "/run/cutter-backup-probe";
const dropIn = `/run/systemd/system/cutter-run@${runId}.service.d`;
const folder = `/var/lib/cutter/runs/${runId}`;
const file = `${folder}/backup/${runId}.dump.gpg`;
const scratch = "cutter_scratch";

interface Said {
  readonly documentId: string;
  readonly homeParent: string;
  readonly fromDigest: string;
  readonly error?: string;
  readonly made?: {
    readonly ciphertextSha256: string;
    readonly plaintextSha256: string;
    readonly recipientKeyIds: readonly string[];
    readonly archiveEntries: number;
    readonly restored: unknown;
  };
}
let said: Said;
let before: Awaited<ReturnType<typeof readCensus>>;

beforeAll(async () => {
  await ensureReady();
  before = await readCensus();
  const { keys } = readSandboxState(checkout);
  const bundled = await build({
    entryPoints: [resolve(import.meta.dirname, "../fixtures/backup-probe.ts")],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node24",
    external: ["pg-native"],
    banner: {
      js: `import { createRequire as createRequireOfProbe } from "node:module"; const require = createRequireOfProbe(import.meta.url);`,
    },
  });
  await onHost(
    `mkdir -p ${place}/bin ${dropIn}; ln -sfn /opt/cutter/current/sql ${place}/sql; cat > ${place}/bin/probe.mjs`,
    bundled.outputFiles[0]?.text ?? "",
  );
  await onHost(
    `umask 027; cat > /etc/cutter/requests/${runId}.yaml; chgrp cutter /etc/cutter/requests/${runId}.yaml`,
    `schema: cutter.request/1\nrun_id: ${runId}\ndocument_id: knowledge/other/none.md\nmode: dryrun\n`,
  );
  await onHost(
    `cat > ${dropIn}/probe.conf; systemctl daemon-reload`,
    `[Service]\nExecStart=\nExecStart=/opt/cutter/current/bin/node ${place}/bin/probe.mjs ${folder}/probe.json ${file} ` +
      `${keys.backup.fingerprint} ${scratch}\n`,
  );
  const started = await onHost(`systemctl start cutter-run@${runId}; journalctl -q -o cat -n 20 -u cutter-run@${runId}`);
  const found = await onHost(`cat ${folder}/probe.json`);
  if (found.code !== 0) throw new Error(`the probe left nothing: ${started.stdout}${started.stderr}`);
  said = JSON.parse(found.stdout) as Said;
});
afterAll(() =>
  onHost(`rm -rf ${place} ${dropIn} ${folder} /etc/cutter/requests/${runId}.yaml; systemctl daemon-reload; systemctl reset-failed`),
);

describe("a proven backup in the run's unit", () => {
  it("was listed and restored: the rows in the scratch database have production's digest", () => {
    expect(said.error).toBeUndefined();
    expect(said.documentId).not.toBe("");
    expect(said.made).toMatchObject({ archiveEntries: backupTables.length, restored: { database: scratch, digest: said.fromDigest } });
    expect(new Set(said.made?.recipientKeyIds).size).toBe(2);
  });

  it("is opened by the owner's key, on another machine, to what pg_dump gave out", async () => {
    const ciphertext = Buffer.from((await onHost(`base64 -w0 ${file}`)).stdout, "base64");
    expect(createHash("sha256").update(ciphertext).digest("hex")).toBe(said.made?.ciphertextSha256);
    const home = createGpgHome();
    try {
      home.run(["--import", join(checkout, ".sandbox/keys/backup.secret.asc")]);
      const archive = home.run(["--decrypt"], ciphertext);
      expect(createHash("sha256").update(archive).digest("hex")).toBe(said.made?.plaintextSha256);
      expect(archive.subarray(0, 5).toString("latin1")).toBe("PGDMP");
    } finally {
      home.remove();
    }
  });

  it("left no key, no agent, no plaintext, and one file that only cutter reads", async () => {
    expect(said.homeParent).toBe(`/run/cutter-run/${runId}`);
    expect((await onHost(`ls -d ${said.homeParent}`)).code).not.toBe(0);
    expect((await onHost("pgrep -u cutter gpg-agent")).stdout.trim()).toBe("");
    expect((await onHost(`cd ${folder}/backup && stat -c '%n %a %U' *`)).stdout.trim()).toBe(`${runId}.dump.gpg 600 cutter`);
    expect(
      (await onHost(`grep -rlaE 'PGDMP|PRIVATE KEY' /run /tmp /var/tmp ${folder}`)).stdout
        .split("\n")
        .filter((name) => name !== "" && !name.startsWith("/run/cutter-backup-probe/")),
    ).toEqual([]);
    expect((await onHost("stat -c '%a %U' /run/cutter-dumps")).stdout.trim()).toBe("700 root");
  });

  it("changed nothing in production's database, and let the reader only read in the scratch database", async () => {
    expect(await readCensus()).toEqual(before);
    expect(
      await sql(
        "select has_table_privilege('context_pack_readonly', 'public.information_unit', 'select') || ' ' || " +
          "has_table_privilege('context_pack_readonly', 'public.information_unit', 'insert,update,delete,truncate')",
        scratch,
      ),
    ).toBe("true false");
    expect(await sql("select count(*) from pg_trigger where not tgisinternal", scratch)).toBe("0");
  });

  it("lets cutter restore nothing that pg_dump did not give out", async () => {
    const sha256 = execFileSync("sha256sum", { input: "PGDMP made at home" }).toString().slice(0, 64);
    const answer = await onHost(
      `printf '%s\\n' '{"op":"restore","sha256":"${sha256}"}' | setpriv --reuid=cutter --regid=cutter --clear-groups timeout 20 /opt/cutter/current/bin/node -e 'const s=require("net").connect("/run/cutter/dump.sock");process.stdin.on("data",(d)=>s.write(d));s.on("data",(d)=>process.stdout.write(d));s.on("close",()=>process.exit())'`,
    );
    expect(answer.stdout).toContain("DUMP_REQUEST_REFUSED");
    expect(answer.stdout).toContain('{"code":10}');
  });
});
