// What the engine is started with: the right home, state, PATH, and the ssh agent that fits the stack.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { toErrorLine } from "../../../../orchestrator/core/errors.ts";
import { ensurePulumiHome, findPassphraseNeed } from "../../../../provision/toolchain/bootstrap/home.mjs";
import { thisCheckout, toolchainLayout } from "../../../../provision/toolchain/bootstrap/layout.mjs";
import { pulumiEnvironment, toBackendUrl, toStackName } from "../../../../provision/toolchain/pulumi/environment.ts";
import { engineEnvironment, engineFile, runPulumi } from "../../../../provision/toolchain/pulumi/run.ts";

let checkout: string;

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), "checkout-"));
  for (const module of ["engine", "language-nodejs"]) {
    const source = `provision/toolchain/${module}`;
    mkdirSync(join(checkout, source), { recursive: true });
    for (const file of ["go.mod", "go.sum"]) cpSync(join(thisCheckout, source, file), join(checkout, source, file));
  }
  mkdirSync(join(checkout, ".sandbox"));
  writeFileSync(join(checkout, ".sandbox/state.json"), JSON.stringify({ agentSocket: "/run/of-the-sandbox.sock" }));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(checkout, { recursive: true });
});

describe("the environment of the engine", () => {
  test("gives the sandbox stack the sandbox's agent and every other stack the caller's", () => {
    expect(pulumiEnvironment(checkout, "sandbox", { PATH: "/bin" }).SSH_AUTH_SOCK).toBe("/run/of-the-sandbox.sock");
    expect(pulumiEnvironment(checkout, "contabo", { PATH: "/bin" })).not.toHaveProperty("SSH_AUTH_SOCK");
    rmSync(join(checkout, ".sandbox"), { recursive: true });
    expect(pulumiEnvironment(checkout, "sandbox", { PATH: "/bin" })).not.toHaveProperty("SSH_AUTH_SOCK");
  });

  test("lets the engine go on with the other hosts where a stack has several", () => {
    writeFileSync(join(checkout, "Pulumi.pair.yaml"), "config:\n  cutter-kit:hosts:\n    - name: one\n");
    writeFileSync(join(checkout, "Pulumi.single.yaml"), "config:\n  # cutter-kit:hosts: several\n  cutter-kit:host: one\n");
    writeFileSync(join(checkout, "Pulumi.flow.yaml"), 'config: { "cutter-kit:hosts": [{ name: one }] }\r\n');
    writeFileSync(join(checkout, "Pulumi.torn.yaml"), "config: {\n");
    for (const stack of ["pair", "flow"])
      expect(engineEnvironment(["up", "--stack", stack], { checkout }).PULUMI_CONTINUE_ON_ERROR).toBe("true");
    expect(engineEnvironment(["up", "--stack", "torn"], { checkout })).not.toHaveProperty("PULUMI_CONTINUE_ON_ERROR");
    expect(engineEnvironment(["up", "--stack", "single"], { checkout })).not.toHaveProperty("PULUMI_CONTINUE_ON_ERROR");
    expect(
      engineEnvironment(["up", "--stack", "pair"], { checkout, environment: { PULUMI_CONTINUE_ON_ERROR: "false" } })
        .PULUMI_CONTINUE_ON_ERROR,
    ).toBe("false");
  });

  test("reaches loopback without a proxy, whatever the caller's lists look like, and leaves their names in them", () => {
    const toLists = (environment: Readonly<Record<string, string>>) => {
      const { no_proxy, NO_PROXY, no_grpc_proxy } = engineEnvironment(["version"], { checkout, environment });
      return [no_proxy, NO_PROXY, no_grpc_proxy];
    };
    const loopback = "localhost,127.0.0.1,::1";
    expect(toLists({ no_proxy: "", NO_PROXY: "" })).toEqual([loopback, loopback, undefined]);
    const blanks = `localhost,127.0.0.1,.example.org,10.0.0.0/8,::1`;
    expect(toLists({ no_proxy: "localhost, 127.0.0.1", NO_PROXY: ".example.org  10.0.0.0/8", no_grpc_proxy: "a.example.org" })).toEqual([
      blanks,
      blanks,
      `a.example.org,${loopback}`,
    ]);
  });

  test("tells the program of a destroy, which has nothing to report afterwards", () => {
    const toDestroys = (...args: readonly string[]) => engineEnvironment(args, { checkout }).CUTTER_KIT_DESTROYS;
    const destroys = [["destroy"], ["--stack", "up", "destroy", "--yes"], ["-s", "x", "down"], ["--non-interactive", "dn"]];
    expect(destroys.map((args) => toDestroys(...args))).toEqual(destroys.map(() => "true"));
    const others = [["up"], ["--stack", "destroy", "up"], ["up", "--target", "down"], ["up", "--", "destroy"], []];
    expect(others.map((args) => toDestroys(...args))).toEqual(others.map(() => ""));
  });

  test("tells what the engine starts which ssh key the stack names", () => {
    const fingerprint = `SHA256:${"aB3/+".repeat(8)}xyz`;
    writeFileSync(join(checkout, "Pulumi.named.yaml"), `config:\n  cutter-kit:agentKey: ${fingerprint}\n`);
    writeFileSync(join(checkout, "Pulumi.plain.yaml"), `config:\n  # cutter-kit:agentKey: ${fingerprint}\n  cutter-kit:host: one\n`);
    const toKey = (stack: string) => engineEnvironment(["up", "--stack", stack], { checkout }).CUTTER_KIT_AGENT_KEY;
    expect([toKey("named"), toKey("plain"), toKey("absent")]).toEqual([fingerprint, "", ""]);
    const others = [
      `config: { "cutter-kit:agentKey": ${fingerprint} }`,
      `config:\n  'cutter-kit:agentKey': >-\n    ${fingerprint}`,
      `config:\n  ? cutter-kit:agentKey\n  : "${fingerprint}"`,
    ];
    for (const text of others) {
      writeFileSync(join(checkout, "Pulumi.other.yaml"), `${text}\n`);
      expect(toKey("other"), text).toBe(fingerprint);
    }
    writeFileSync(join(checkout, "Pulumi.other.yaml"), `config: {}\ndescription: |\n  cutter-kit:agentKey: ${fingerprint}\n`);
    expect(toKey("other")).toBe("");
  });

  test("keeps a team's own backend, but never for the sandbox and never another checkout's", () => {
    const local = `file://${checkout}/.pulumi-state/backend?metadata=skip`;
    const team = { PATH: "/bin", PULUMI_BACKEND_URL: "s3://states" };
    expect(pulumiEnvironment(checkout, "contabo", team).PULUMI_BACKEND_URL).toBe("s3://states");
    expect(pulumiEnvironment(checkout, "sandbox", team).PULUMI_BACKEND_URL).toBe(local);
    expect(
      pulumiEnvironment(checkout, "contabo", { PULUMI_BACKEND_URL: "file:///elsewhere/.pulumi-state/backend" }).PULUMI_BACKEND_URL,
    ).toBe(local);
    expect(pulumiEnvironment(checkout, "contabo", { PULUMI_BACKEND_URL: local.replace(checkout, "/elsewhere") }).PULUMI_BACKEND_URL).toBe(
      local,
    );
  });

  test("lets the engine write no attribute file, which a kill would cut off, beside local state, also a person's own", async () => {
    expect(toBackendUrl("file://~/states?no_tmp_dir=true")).toBe("file://~/states?no_tmp_dir=true&metadata=skip");
    for (const url of ["file:///states?metadata=skip", "s3://states", ""]) expect(toBackendUrl(url)).toBe(url);
    writeFileSync(join(checkout, "Pulumi.yaml"), "name: whole\nruntime: nodejs\n");
    const options = {
      checkout,
      workingDirectory: checkout,
      environment: { PULUMI_BACKEND_URL: `file://${checkout}/.sandbox`, PULUMI_CONFIG_PASSPHRASE: "for a test" },
    };
    expect((await runPulumi(["stack", "init", "rented"], options)).code).toBe(0);
    const exported = await runPulumi(["stack", "export", "--stack", "rented"], options);
    expect(exported.code).toBe(0);
    expect(JSON.parse(exported.stdout)).toMatchObject({ version: 3 });
    const written = readdirSync(join(checkout, ".sandbox/.pulumi"), { recursive: true, encoding: "utf8" });
    expect(written).toContain("stacks/whole/rented.json");
    expect(written.filter((file) => file.endsWith(".attrs"))).toEqual([]);
  });

  test("lets no passphrase of the caller's own reach the sandbox's state", () => {
    vi.stubEnv("PULUMI_CONFIG_PASSPHRASE", "the caller's");
    expect(engineEnvironment(["up", "--stack", "sandbox"])).not.toHaveProperty("PULUMI_CONFIG_PASSPHRASE");
    expect(engineEnvironment(["up", "--stack", "contabo"]).PULUMI_CONFIG_PASSPHRASE).toBe("the caller's");
  });

  test("puts the engine and the checkout's Node first, and downloads and checks for nothing", () => {
    const layout = toolchainLayout(checkout);
    const environment = pulumiEnvironment(checkout, null, { PATH: `${layout.wrapperBin}:/bin:/bin` });
    expect(environment.PATH).toBe(`${layout.engineBin}:${layout.nodeBin}:/bin`);
    expect(environment).toMatchObject({
      PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
      PULUMI_SKIP_UPDATE_CHECK: "true",
      PULUMI_HOME: join(checkout, ".pulumi-state/home"),
    });
  });
});

describe("local state of an earlier version", () => {
  test(
    "loads with the kit's own start though an attribute file was cut off, which the engine alone cannot",
    { timeout: 60_000 },
    async () => {
      writeFileSync(join(checkout, "Pulumi.yaml"), "name: torn\nruntime: nodejs\n");
      const { backend } = toolchainLayout(checkout);
      const earlier = { checkout, workingDirectory: checkout, environment: { PULUMI_BACKEND_URL: `file://${backend}?metadata=` } };
      expect((await runPulumi(["stack", "init", "rented"], earlier)).code).toBe(0);
      const attributes = () =>
        readdirSync(join(backend, ".pulumi"), { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".attrs"));
      expect(attributes()).toContain("stacks/torn/rented.json.attrs");
      const own = engineEnvironment(["stack", "export", "--stack", "rented"], { checkout, workingDirectory: checkout });
      for (const file of ["meta.yaml.attrs", "stacks/torn/rented.json.attrs"]) writeFileSync(join(backend, ".pulumi", file), "");

      const direct = spawnSync(engineFile(), ["stack", "export", "--stack", "rented"], { cwd: checkout, env: own, encoding: "utf8" });
      expect(direct.status).not.toBe(0);
      expect(direct.stderr).toContain("EOF");

      const { code, stdout } = await runPulumi(["stack", "export", "--stack", "rented"], { checkout, workingDirectory: checkout });
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ version: 3 });
      expect(attributes()).toEqual([]);
    },
  );
});

describe("the stack a command line means", () => {
  test.each([
    [["up", "--stack", "contabo"], "contabo"],
    [["--stack=org/cutter-kit/sandbox", "up"], "sandbox"],
    [["preview", "-s", "sandbox"], "sandbox"],
    [["preview", "-ssandbox"], "sandbox"],
    [["up", "--skip-preview", "--yes"], null],
    [["stack", "select", "--create", "sandbox"], "sandbox"],
    [["stack", "rm", "sandbox", "--yes"], "sandbox"],
    [["config", "set", "key", "--", "--stack=contabo"], null],
  ])("%j is %s", (args, stack) => {
    expect(toStackName(args, checkout, checkout, {})).toBe(stack);
  });

  test("is the selected one when none is named, and PULUMI_STACK before that", async () => {
    writeFileSync(join(checkout, "Pulumi.yaml"), "name: selected\nruntime: nodejs\n");
    const { code, stderr } = await runPulumi(["stack", "init", "contabo"], { checkout, workingDirectory: checkout });
    expect(code, stderr).toBe(0);
    expect(toStackName(["up"], checkout, checkout, {})).toBe("contabo");
    expect(toStackName(["up"], checkout, checkout, { PULUMI_STACK: "sandbox" })).toBe("sandbox");
  });
});

describe("a checkout's Pulumi home", () => {
  test("is made once: the passphrase stays, private to its owner", () => {
    const layout = toolchainLayout(checkout);
    ensurePulumiHome(layout);
    const first = execFileSync("cat", [layout.passphraseFile], { encoding: "utf8" });
    ensurePulumiHome(layout);
    expect(execFileSync("cat", [layout.passphraseFile], { encoding: "utf8" })).toBe(first);
    expect(first).toMatch(/^[\w-]{32}$/);
    expect(statSync(layout.passphraseFile).mode & 0o777).toBe(0o600);
    expect(statSync(layout.dotEnv).mode & 0o777).toBe(0o600);
  });

  test("gets no new passphrase where only the one of before can open what is there; the first command names the file", () => {
    const layout = toolchainLayout(checkout);
    ensurePulumiHome(layout);
    expect(findPassphraseNeed(layout)).toBeNull();
    const bound = join(checkout, "Pulumi.contabo.yaml");
    const state = join(layout.backend, ".pulumi/stacks/cutter-kit/contabo.json");
    mkdirSync(dirname(state), { recursive: true });
    for (const [file, text] of [
      [bound, "config: {}\nencryptionsalt: v1:x\n"],
      [state, "{}"],
    ] as const) {
      rmSync(layout.passphraseFile, { force: true });
      writeFileSync(file, text);
      ensurePulumiHome(layout);
      expect(existsSync(layout.passphraseFile)).toBe(false);
      expect(findPassphraseNeed(layout)).toBe(file);
      expect(() => engineEnvironment(["preview"], { checkout })).toThrow(
        toErrorLine("PULUMI_PASSPHRASE_MISSING", { file: layout.passphraseFile, needed_by: file }),
      );
    }
    expect(() => engineEnvironment(["version"], { checkout })).not.toThrow();
    expect(() => engineEnvironment(["preview"], { checkout, environment: { PULUMI_CONFIG_PASSPHRASE: "own" } })).not.toThrow();
    const own = { PULUMI_CONFIG_PASSPHRASE_FILE: join(checkout, "own") };
    expect(() => engineEnvironment(["preview", "--stack", "contabo"], { checkout, environment: own })).toThrow(
      `file=${join(checkout, "own")} `,
    );
  });

  test("holds state in a path of any characters", async () => {
    const odd = join(checkout, "it's (a) #1 50%41?");
    cpSync(join(checkout, "provision"), join(odd, "provision"), { recursive: true });
    writeFileSync(join(odd, "Pulumi.yaml"), "name: odd\nruntime: nodejs\n");
    const { code, stderr } = await runPulumi(["stack", "init", "one"], { checkout: odd });
    expect(code, stderr).toBe(0);
    expect(existsSync(join(odd, ".pulumi-state/backend/.pulumi/stacks/odd/one.json"))).toBe(true);
  });

  test("makes plain pulumi work in a shell that has read .env.pulumi", () => {
    ensurePulumiHome(toolchainLayout());
    const script = ". ./.env.pulumi && command -v pulumi && cd / && pulumi version && pulumi whoami --json";
    const [path, version] = execFileSync("sh", ["-c", script], {
      cwd: thisCheckout,
      env: { ...process.env, PATH: "/usr/bin:/bin" },
      encoding: "utf8",
    }).split("\n");
    expect(path).toBe(join(thisCheckout, ".pulumi-state/bin/pulumi"));
    expect(version).toBe("v3.259.0");
  });

  test("refuses by code, before anything runs, when there is no engine", () => {
    vi.stubEnv("XDG_CACHE_HOME", checkout);
    expect(() => engineFile()).toThrow(/^PULUMI_ENGINE_MISSING /);
  });
});
