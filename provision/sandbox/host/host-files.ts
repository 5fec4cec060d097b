// Everything in the replica's root that makes it one particular host: name, machine id, keys, address, env files, the KB's configuration.
// Written before its first boot.
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { machineIdFile, toHostIdentity } from "../../../orchestrator/core/host/identity.ts";
import { renderDockerEnv, renderProductionEnv, type SandboxSecrets } from "./env-files.ts";
import { bundleKnowledgeBase } from "../knowledge-base/bundle.ts";
import type { Subnet } from "../machine/subnet.ts";
import { kbName, type TlsFiles } from "./tls.ts";

/** Tests write here, as root on the host, what the KB should do wrong; the server reads it anew for each request. */
export const kbFaultsFile = "/etc/agent-data/faults.json";

export interface HostIdentity {
  readonly name: string;
  readonly subnet: Subnet;
  readonly hostKeyFile: string; // private; its public half lies beside it as .pub
  readonly clientPublicKeyFile: string;
  readonly tls: TlsFiles;
  readonly secrets: SandboxSecrets;
}

/**
 * Writes all of it below `root`; returns the machine identity (orchestrator/core/host/identity.ts). `root` must be a fresh copy of an
 * image.
 */
export async function writeHostFiles(root: string, identity: HostIdentity): Promise<string> {
  const { name, subnet, secrets, tls } = identity;
  const put = (path: string, content: string, mode: number, owner: Owner = rootOwner) => putFile(`${root}${path}`, content, mode, owner);
  const agentData = readAccount(root, "agent-data");
  const incomexGroup: Owner = { uid: 0, gid: readAccount(root, "incomex").gid };
  const machineId = `${randomBytes(16).toString("hex")}\n`;

  put(machineIdFile, machineId, 0o444);
  put("/etc/hostname", `${name}\n`, 0o644);
  put("/etc/hosts", `127.0.0.1 localhost\n127.0.1.1 ${name}\n${subnet.host} ${kbName}\n`, 0o644);
  put("/etc/systemd/network/10-host0.network", renderNetwork(subnet), 0o644);
  put("/etc/ssh/ssh_host_ed25519_key", readFileSync(identity.hostKeyFile, "utf8"), 0o600);
  put("/etc/ssh/ssh_host_ed25519_key.pub", readFileSync(`${identity.hostKeyFile}.pub`, "utf8"), 0o644);
  put("/root/.ssh/authorized_keys", readFileSync(identity.clientPublicKeyFile, "utf8"), 0o600);
  put("/opt/incomex/docker/.env", renderDockerEnv(secrets), 0o600);
  put("/opt/incomex/secrets/.env.production", renderProductionEnv(secrets), 0o640, incomexGroup);

  makeDirectory(`${root}/etc/agent-data`, 0o750, { uid: 0, gid: agentData.gid });
  put("/etc/agent-data/config.json", renderKnowledgeBaseConfig(subnet), 0o640, { uid: 0, gid: agentData.gid });
  put("/etc/agent-data/database-password", `${secrets.agentData}\n`, 0o400, agentData);
  put("/etc/agent-data/api-key", `${secrets.kbApiKey}\n`, 0o400, agentData);
  put("/etc/agent-data/server.pem", readFileSync(tls.certificateFile, "utf8"), 0o644);
  put("/etc/agent-data/server.key", readFileSync(tls.keyFile, "utf8"), 0o400, agentData);
  put("/etc/systemd/system/agent-data.service", knowledgeBaseUnit, 0o644);
  symlinkSync("/etc/systemd/system/agent-data.service", `${root}/etc/systemd/system/multi-user.target.wants/agent-data.service`);
  await bundleKnowledgeBase(`${root}/opt/agent-data/app`);
  return toHostIdentity(machineId) ?? "";
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const rootOwner: Owner = { uid: 0, gid: 0 };

function putFile(path: string, content: string, mode: number, owner: Owner): void {
  writeFileSync(path, content, { mode: 0o600 });
  chownSync(path, owner.uid, owner.gid);
  chmodSync(path, mode);
}

function makeDirectory(path: string, mode: number, owner: Owner): void {
  mkdirSync(path, { recursive: true });
  chownSync(path, owner.uid, owner.gid);
  chmodSync(path, mode);
}

/** Uid and primary gid as the image's own /etc/passwd has them. */
function readAccount(root: string, account: string): Owner {
  const fields = readFileSync(`${root}/etc/passwd`, "utf8")
    .split("\n")
    .map((text) => text.split(":"))
    .find(([name]) => name === account);
  if (fields === undefined)
    throw new CutterError("SANDBOX_STEP_FAILED", { step: "host files", said: `the image has no account ${account}` });
  return { uid: Number(fields[2]), gid: Number(fields[3]) };
}

function renderNetwork(subnet: Subnet): string {
  return `[Match]\nName=host0\n\n[Network]\nAddress=${subnet.host}/${subnet.prefixLength}\nGateway=${subnet.outer}\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n`;
}

function renderKnowledgeBaseConfig(subnet: Subnet): string {
  const config = {
    listen: { address: subnet.host, port: 443 },
    tls: { certFile: "/etc/agent-data/server.pem", keyFile: "/etc/agent-data/server.key" },
    prefix: "/api",
    database: { host: "127.0.0.1", port: 5432, name: "agent_data", user: "agent_data", passwordFile: "/etc/agent-data/database-password" },
    apiKeyFile: "/etc/agent-data/api-key",
    faultsFile: kbFaultsFile,
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

/** Restarted until the address is there: nothing orders it after the network on purpose, production's proxy is not either. */
const knowledgeBaseUnit = `[Unit]
Description=Agent Data knowledge base (replica)
After=network.target docker.service
StartLimitIntervalSec=0

[Service]
User=agent-data
ExecStart=/opt/agent-data/bin/node /opt/agent-data/app/main.mjs /etc/agent-data/config.json
AmbientCapabilities=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
Restart=always
RestartSec=200ms

[Install]
WantedBy=multi-user.target
`;
