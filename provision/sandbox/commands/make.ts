// Makes one sandbox from nothing but the image cache, in the order a provider would: disk, keys, first boot, database, knowledge base, and
// last the state file.
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { startAgent } from "../host/agent.ts";
import { bootHost } from "../machine/boot.ts";
import { checkoutDigest, type SandboxPaths } from "../base/paths.ts";
import { fillDatabase, startPostgres } from "../host/database.ts";
import type { SandboxSecrets } from "../host/env-files.ts";
import { readGrantMatrixSha } from "../host/grant-matrix.ts";
import { writeHostFiles } from "../host/host-files.ts";
import { ensureHostImage } from "../image/build.ts";
import { postgresOf, type Suite } from "../image/recipe.ts";
import { keyRoles, makeKey, type SandboxKey } from "../host/keys.ts";
import type { Inside } from "../machine/nspawn.ts";
import { mustRun } from "../base/process.ts";
import { pollUntil, type Say, timed } from "../base/progress.ts";
import { type SandboxState, writeSandboxState } from "../state/state.ts";
import { deriveSubnet, parseUsedNetworks, type Subnet } from "../machine/subnet.ts";
import { writeStackFile } from "../state/stack-file.ts";
import { kbName, makeTls } from "../host/tls.ts";

/** Every step says what it did and how long it took. Whatever fails leaves no state file, so that the next `up` begins anew. */
export async function makeSandbox(paths: SandboxPaths, suite: Suite, say: Say): Promise<SandboxState> {
  const image = await ensureHostImage(suite, say);
  const subnet = await findSubnet(paths);
  say(`[INFO] sandbox ${paths.name}: ${suite}, address ${subnet.host}`);
  mkdirSync(paths.keysDirectory, { mode: 0o700 });
  mkdirSync(paths.tlsDirectory, { mode: 0o700 });
  const secrets = makeSecrets();
  writeFileSync(`${paths.keysDirectory}/kb-api-key`, `${secrets.kbApiKey}\n`, { mode: 0o600 });

  const [, keys, tls, hostKey] = await timed(say, "disk copied, keys and certificates made", () =>
    Promise.all([
      mustRun("copy of the image", ["cp", "--archive", "--reflink=auto", image, paths.rootDirectory], { timeoutMs: 5 * 60_000 }),
      makeKeys(paths.keysDirectory),
      makeTls(paths.tlsDirectory),
      makeSshKeys(paths),
    ]),
  );
  const machineIdentity = await writeHostFiles(paths.rootDirectory, {
    name: paths.name,
    subnet,
    hostKeyFile: `${paths.keysDirectory}/host`,
    clientPublicKeyFile: `${paths.keysDirectory}/client.pub`,
    tls,
    secrets,
  });
  writeFileSync(paths.knownHosts, `${subnet.host} ${hostKey}\n`, { mode: 0o600 });

  const { inside, supervisorPid } = await timed(say, "host booted", () => bootHost(paths, subnet.outer));
  await inside.mustRun("backup key into root's keyring", ["gpg", "--batch", "--quiet", "--no-autostart", "--import"], {
    input: readFileSync(keys.backup.file),
    environment: { HOME: "/root" },
  });
  await timed(say, `PostgreSQL ${postgresOf(suite).major} runs in container postgres`, () =>
    startPostgres(inside, postgresOf(suite), secrets),
  );
  await timed(say, "roles, substrate and the business's rows are in the database", () =>
    fillDatabase(inside, secrets, `${paths.checkout}/sql/substrate`),
  );
  await timed(say, `knowledge base answers as ${kbName}`, () => waitForKnowledgeBase(inside, secrets.kbApiKey));
  const agentPid = await startAgent(paths.agentSocket, `${paths.keysDirectory}/client`);

  const state: SandboxState = {
    schema: "cutter.sandbox/1",
    name: paths.name,
    suite,
    address: subnet.host,
    outerAddress: subnet.outer,
    port: 22,
    user: "root",
    hostKey,
    machineIdentity,
    agentSocket: paths.agentSocket,
    agentPid,
    kb: { baseUrl: `https://${kbName}/api`, caFile: tls.caFile, apiKeyFile: `${paths.keysDirectory}/kb-api-key` },
    keys,
    rootDirectory: paths.rootDirectory,
    pid: supervisorPid,
  };
  writeStackFile(paths, state, await readGrantMatrixSha(inside, paths.checkout));
  writeSandboxState(paths.checkout, state);
  return state;
}

async function findSubnet(paths: SandboxPaths): Promise<Subnet> {
  const [addresses, routes] = await Promise.all([
    mustRun("ip address", ["ip", "-j", "-4", "address"]),
    mustRun("ip route", ["ip", "-j", "-4", "route"]),
  ]);
  return deriveSubnet(checkoutDigest(paths.checkout), parseUsedNetworks(addresses, routes));
}

function makeSecrets(): SandboxSecrets {
  const secret = () => randomBytes(24).toString("base64url");
  return {
    admin: secret(),
    cutterExec: secret(),
    cutterVerify: secret(),
    contextPackReadonly: secret(),
    cutterRevert: secret(),
    directusSecdef: secret(),
    agentData: secret(),
    kbApiKey: secret(),
    business: secret(),
  };
}

async function makeKeys(directory: string): Promise<Readonly<Record<"backup" | "sovereign" | "architect", SandboxKey>>> {
  const [backup, sovereign, architect] = await Promise.all([
    makeKey(keyRoles[0], directory),
    makeKey(keyRoles[1], directory),
    makeKey(keyRoles[2], directory),
  ]);
  return { backup, sovereign, architect };
}

/** Host key and client key, without passphrase; returns the host's public key as `type base64`. */
async function makeSshKeys(paths: SandboxPaths): Promise<string> {
  for (const name of ["host", "client"]) {
    await mustRun("ssh-keygen", [
      "ssh-keygen",
      "-q",
      "-t",
      "ed25519",
      "-N",
      "",
      "-C",
      `${name} of ${paths.name}`,
      "-f",
      `${paths.keysDirectory}/${name}`,
    ]);
  }
  return readFileSync(`${paths.keysDirectory}/host.pub`, "utf8").split(" ").slice(0, 2).join(" ");
}

/** Asked from inside, by name, with the key: only a working database behind it gives 200. (The e2e test checks the certificate.) */
async function waitForKnowledgeBase(inside: Inside, apiKey: string): Promise<void> {
  const limitMs = 30_000;
  const answered = await pollUntil(limitMs, 100, async () => {
    const ask = [
      "curl",
      "--silent",
      "--insecure",
      "--fail",
      "--max-time",
      "3",
      "--header",
      "@-",
      `https://${kbName}/api/kb/list?prefix=knowledge/`,
    ];
    return (await inside.run(ask, { input: `X-API-Key: ${apiKey}\n` })).code === 0;
  });
  if (!answered)
    throw new CutterError("SANDBOX_STEP_FAILED", {
      reason: "not_ready",
      what: "knowledge base",
      limit_ms: limitMs,
      unit: "agent-data.service",
    });
}
