// The replica itself: is it the host that production-facts describes? Asked over ssh, over TLS and by production's own path to SQL.
import { createHash } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import https from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parseEnvFile } from "../../orchestrator/core/host/env-file.ts";
import { envNames } from "../../orchestrator/core/host/secret-names.ts";
import { toSandboxPaths } from "../../provision/sandbox/base/paths.ts";
import { postgresOf } from "../../provision/sandbox/image/recipe.ts";
import { runCommand } from "../../provision/sandbox/base/process.ts";
import { toSshArguments } from "../../provision/sandbox/commands/ssh.ts";
import { readSandboxState, type SandboxState } from "../../provision/sandbox/state/state.ts";
import { checkout, npm, onHost, sql, until } from "../support/e2e.ts";
import { toPattern } from "../support/refusal-case.ts";

let state: SandboxState;

beforeAll(() => {
  state = readSandboxState(checkout);
});

const said = async (commandLine: string) => (await onHost(commandLine)).stdout.trim();

describe("the host", () => {
  it("is a booted systemd machine on which nothing of its own failed", async () => {
    expect(await said("ps -o comm= -p 1")).toBe("systemd");
    expect(["running", "degraded"]).toContain(await said("systemctl is-system-running"));
    // units of the kit are judged by the kit's own tests
    expect(await said("systemctl --failed --no-legend --plain | grep -v '^cutter-' || true")).toBe("");
  });

  it("has the machine identity of its state file", async () => {
    const machineId = await said("cat /etc/machine-id");
    expect(createHash("sha256").update(`cutter:${machineId}`).digest("hex")).toBe(state.machineIdentity);
  });

  it("has the programme's folders and accounts, and two older cutters", async () => {
    const folders =
      "docker secrets dot/bin dot/config dot/sql dot/specs dot/iu-cutter dot/iu-cutter-v0.6 deploys scripts backups logs docs";
    expect((await onHost(`cd /opt/incomex && test -n "$(git status --porcelain)" && ls -d ${folders}`)).code).toBe(0);
    expect(await said("id -un incomex; getent group incomex | cut -d: -f1")).toBe("incomex\nincomex");
  });

  it("has the backup key in root's keyring without its private half", async () => {
    expect(await said(`gpg --batch --list-keys --with-colons | grep -c '^fpr:*${state.keys.backup.fingerprint}:'`)).toBe("1");
    expect(await said("gpg --batch --list-secret-keys --with-colons")).toBe("");
  });
});

describe("ssh", () => {
  it("refuses another host key than the pinned one", async () => {
    const directory = mkdtempSync(join(tmpdir(), "ck-known-"));
    const knownHosts = join(directory, "known_hosts");
    writeFileSync(knownHosts, `${state.address} ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n`);
    chmodSync(knownHosts, 0o600);
    const outcome = await runCommand([...toSshArguments(state, knownHosts), "true"]);
    rmSync(directory, { recursive: true });
    expect(outcome.code).toBe(255);
  });

  it("lets nobody in without the agent's key, and does not lock the address out for it", async () => {
    const { knownHosts } = toSandboxPaths(checkout);
    for (let attempt = 0; attempt < 6; attempt++) {
      expect((await runCommand([...toSshArguments({ ...state, agentSocket: "none" }, knownHosts), "true"])).code).toBe(255);
    }
    expect((await onHost("true")).code).toBe(0);
  });

  it("gives output and exit code of a command through npm run sandbox -- ssh", async () => {
    expect(await npm("sandbox", "ssh", "--", "echo out; echo err >&2; exit 7")).toEqual({
      code: 7,
      output: expect.stringMatching(/out[\s\S]*err|err[\s\S]*out/),
    });
  });
});

describe("PostgreSQL", () => {
  it("is the suite's version in container postgres, published on loopback only, and started again by Docker", async () => {
    const { major } = postgresOf(state.suite);
    expect(await sql("show server_version_num")).toMatch(new RegExp(`^${major}\\d{4}$`));
    expect(await said("docker inspect -f '{{json .HostConfig.PortBindings}} {{.HostConfig.RestartPolicy.Name}}' postgres")).toBe(
      '{"5432/tcp":[{"HostIp":"127.0.0.1","HostPort":"5432"}]} always',
    );
    expect(await said("docker exec postgres pg_dump --version")).toMatch(new RegExp(`\\(PostgreSQL\\) ${major}\\.`));
  });

  it("answers production's own path", async () => {
    expect(
      (
        await onHost("docker exec -i postgres psql -U directus -d directus -t -A", "select current_user, current_database();")
      ).stdout.trim(),
    ).toBe("directus|directus");
  });

  it("has the admin workflow_admin and no role postgres; only the admin is a superuser", async () => {
    expect(await sql("select string_agg(rolname, ' ' order by rolname) from pg_roles where rolname !~ '^pg_' and rolsuper")).toBe(
      "workflow_admin",
    );
    expect((await onHost("docker exec -i postgres psql -U postgres -d directus -c 'select 1'")).stderr).toContain(
      'role "postgres" does not exist',
    );
  });

  it("asks the host's own clients for a password, and takes those of the env files", async () => {
    const login = await readEnvValue("/opt/incomex/docker/.env", "DOT_CUTTER_READONLY_DB_USER");
    const password = await readEnvValue("/opt/incomex/docker/.env", "DOT_CUTTER_READONLY_DB_PASSWORD");
    const connect = (line: string) =>
      onHost(
        'docker exec -i postgres sh -c \'umask 077; cat > /dev/shm/pass; PGPASSFILE=/dev/shm/pass psql -X -At -w -h "$(hostname -i)" -U context_pack_readonly -d directus -c "select 1"; code=$?; rm /dev/shm/pass; exit $code\'',
        line,
      );
    expect(login).toBe("context_pack_readonly");
    expect(await connect(`*:*:*:*:${password}\n`)).toMatchObject({ code: 0, stdout: "1\n" });
    expect((await connect("*:*:*:*:wrong\n")).code).not.toBe(0);
  });

  it("holds the substrate, the decoy and the rows of the business", async () => {
    expect(await sql("select count(*) from pg_tables where schemaname = 'cutter_governance'")).toBe("7");
    expect(Number(await sql("select count(*) from sandbox_tac.unit_version"))).toBeGreaterThan(0);
    expect(await sql("select (select count(*) from business.customer), (select count(*) from business.invoice)")).toBe("50|500");
  });
});

describe("the env files", () => {
  it("have their exact modes and owners", async () => {
    expect(await said("stat -c '%a %U:%G' /opt/incomex/docker/.env /opt/incomex/secrets/.env.production")).toBe(
      "600 root:root\n640 root:incomex",
    );
  });

  it("are readable by the strict reader and hold every name of ours", async () => {
    const names = await Promise.all(
      ["/opt/incomex/docker/.env", "/opt/incomex/secrets/.env.production"].map(async (file) => [
        ...parseEnvFile(Buffer.from((await onHost(`cat ${file}`)).stdout), file).keys(),
      ]),
    );
    // BACKUP_GPG_FPR is there once `pulumi up` has closed GAP-3
    expect(new Set([...names.flat(), "BACKUP_GPG_FPR"])).toEqual(new Set(envNames.map((entry) => entry.name)));
  });
});

describe("the knowledge base", () => {
  it("is reached by its name over TLS of the sandbox's own CA, below /api, and asks for its key", async () => {
    expect(await ask({ path: "/api/health" })).toBe(200);
    expect(await ask({ path: "/api/kb/list?prefix=knowledge/" })).toBe(401);
    expect(await ask({ path: "/api/kb/list?prefix=knowledge/", apiKey: readFileSync(state.kb.apiKeyFile, "utf8").trim() })).toBe(200);
  });

  it("is not trusted without that CA, nor under another name", async () => {
    await expect(ask({ path: "/api/health", withCa: false })).rejects.toMatchObject({ code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" });
    await expect(ask({ path: "/api/health", servername: "other.sandbox.test" })).rejects.toMatchObject({
      code: "ERR_TLS_CERT_ALTNAME_INVALID",
    });
  });

  it("is not on localhost", async () => {
    expect(await said("ss -Hltn 'sport = :443' | awk '{print $4}'")).toBe(`${state.address}:443`);
  });

  it("keeps its documents in another database of the same PostgreSQL", async () => {
    expect(
      Number(await sql("select count(*) from pg_stat_activity where datname = 'agent_data' and usename = 'agent_data'")),
    ).toBeGreaterThan(0);
  });
});

describe("the commands", () => {
  it("refuse what they do not know with exit 2", async () => {
    for (const words of [
      ["up", "--force"],
      ["fly"],
      ["up", "--suite", "woody"],
      ["document", "add", "a.md"],
      ["sign", "a.md", "--as", "operator"],
    ]) {
      expect((await npm("sandbox", ...words)).code, words.join(" ")).toBe(2);
    }
  });

  it("print help and do nothing else", async () => {
    for (const words of [[], ["up"], ["down"], ["status"], ["ssh"], ["document", "add"], ["sign"]]) {
      expect(await npm("sandbox", ...words, "--help"), words.join(" ")).toEqual({ code: 0, output: expect.stringContaining("USAGE") });
    }
    expect((await npm("sandbox", "status")).code).toBe(0);
  });

  it("add a document to the knowledge base and to both registries, each time as a new revision", async () => {
    const directory = mkdtempSync(join(tmpdir(), "ck-doc-"));
    const file = join(directory, "trial.md");
    const text = "## Điều 1. Trial\r\n\r\nNFC and NFD: é e\u0301\r\n";
    writeFileSync(file, text);
    const id = `knowledge/other/sandbox-trial-${Date.now()}.md`;
    for (const revision of [1, 2])
      expect(await npm("sandbox", "document", "add", file, "--id", id)).toEqual({
        code: 0,
        output: expect.stringContaining(`revision ${revision},`),
      });
    const rows = await sql(
      "select v.version_no, v.kb_revision, v.sha256, v.byte_length from cutter_governance.source_document_version_registry v " +
        `join cutter_governance.source_document_registry d on d.id = v.source_document_id where d.kb_document_id = '${id}' order ` +
        "by 1",
    );
    const digest = createHash("sha256").update(text).digest("hex");
    const bytes = Buffer.byteLength(text);
    expect(rows).toBe(`1|1|${digest}|${bytes}\n2|2|${digest}|${bytes}`);
    writeFileSync(file, Buffer.from([0xff, 0xfe]));
    expect(await npm("sandbox", "document", "add", file, "--id", id)).toEqual({
      code: 2,
      output: expect.stringMatching(toPattern("USAGE_INVALID reason=document")),
    });
    rmSync(directory, { recursive: true });
  });
});

describe("a reboot from inside", () => {
  it("brings back ssh, PostgreSQL with its rows and the knowledge base, under the same address and identity", async () => {
    const before = await sql("select system_identifier from pg_control_system()");
    const boot = () => said("systemctl show -p UserspaceTimestampMonotonic --value; cat /proc/1/stat | cut -d' ' -f22");
    const firstBoot = await boot();
    await onHost("systemctl reboot");
    await until(async () =>
      (await onHost("true")).code === 0 &&
      (await boot()) !== firstBoot &&
      ["running", "degraded"].includes(await said("systemctl is-system-running"))
        ? true
        : null,
    );
    await until(async () =>
      (await onHost("docker exec -i postgres psql -U directus -d directus -c 'select 1'")).code === 0 ? true : null,
    );
    expect(await sql("select system_identifier from pg_control_system()")).toBe(before);
    expect(await sql("select count(*) from business.invoice")).toBe("500");
    const apiKey = readFileSync(state.kb.apiKeyFile, "utf8").trim();
    await until(async () => ((await ask({ path: "/api/kb/list?prefix=knowledge/", apiKey }).catch(() => 0)) === 200 ? true : null));
    expect(readSandboxState(checkout)).toEqual(state);
    expect((await npm("sandbox", "status")).code).toBe(0);
  });
});

async function readEnvValue(file: string, name: (typeof envNames)[number]["name"]): Promise<string> {
  return (
    parseEnvFile(Buffer.from((await onHost(`cat ${file}`)).stdout), file)
      .get(name)
      ?.reveal() ?? ""
  );
}

/** Status of one GET to the sandbox's address, with the TLS name checked. Rejects with the TLS error. */
function ask(call: {
  readonly path: string;
  readonly apiKey?: string;
  readonly withCa?: boolean;
  readonly servername?: string;
}): Promise<number> {
  return new Promise((done, fail) => {
    const request = https.get({
      host: state.address,
      port: 443,
      path: call.path,
      servername: call.servername ?? "kb.sandbox.test",
      agent: false,
      timeout: 10_000,
      ...(call.withCa === false ? {} : { ca: readFileSync(state.kb.caFile) }),
      headers: { host: "kb.sandbox.test", ...(call.apiKey === undefined ? {} : { "x-api-key": call.apiKey }) },
    });
    request.on("response", (response) => {
      response.resume();
      done(response.statusCode ?? 0);
    });
    request.on("timeout", () => request.destroy(new Error("no answer in 10 s")));
    request.on("error", fail);
  });
}
