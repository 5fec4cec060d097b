// Which keys of the ssh-agent a host is offered: the one that the stack names, else as many as sshd lets be tried, in the agent's order.
import { createHash } from "node:crypto";
import ssh2, { type BaseAgent, type IdentityCallback, type ParsedKey, type SignCallback, type SigningRequestOptions } from "ssh2";
import { CutterError } from "../../orchestrator/core/errors.ts";

/** sshd's MaxAuthTries: it ends the connection with the sixth key it refuses. */
const triesMax = 6;

/** `wanted`: the fingerprint that the stack names (cutter-kit:agentKey); null: any key will do. */
export interface AgentAccess {
  readonly socket: string | null;
  readonly wanted: string | null;
}

export interface OfferedKeys {
  readonly agent: BaseAgent;
  /** Fingerprints of what the host is offered, and of what the agent holds beside it. */
  readonly offered: readonly string[];
  readonly heldBack: readonly string[];
}

/** Asks the agent, and nobody else. @throws SSH_AGENT_MISSING: none answers, it holds no key, or not the one that is wanted */
export async function readOfferedKeys(hostName: string, { socket, wanted }: AgentAccess): Promise<OfferedKeys> {
  const missing = (reason: string, facts: object = {}): CutterError =>
    new CutterError("SSH_AGENT_MISSING", { host: hostName, reason, ...facts });
  if (socket === null) throw missing("SSH_AUTH_SOCK is not set");
  const agent = ssh2.createAgent(socket);
  const keys = await readIdentities(agent).catch((cause: unknown) => {
    throw missing(`the agent does not answer: ${cause instanceof Error ? cause.message : String(cause)}`);
  });
  const fingerprints = keys.map(toKeyFingerprint);
  if (keys.length === 0) throw missing("the agent holds no key");
  const chosen = keys.filter((_key, index) => wanted === null || fingerprints[index] === wanted).slice(0, triesMax);
  if (chosen.length === 0) throw missing("the agent does not hold the key that cutter-kit:agentKey names", { wanted, holds: fingerprints });
  const offered = chosen.map(toKeyFingerprint);
  return { agent: new ChosenKeys(agent, chosen), offered, heldBack: fingerprints.filter((fingerprint) => !offered.includes(fingerprint)) };
}

function toKeyFingerprint(key: ParsedKey): string {
  return `SHA256:${createHash("sha256").update(key.getPublicSSH()).digest("base64").replaceAll("=", "")}`;
}

/** ssh2 passes over what it cannot read (certificates), so that is not counted here. */
async function readIdentities(agent: BaseAgent): Promise<readonly ParsedKey[]> {
  return await new Promise((done, fail) => {
    agent.getIdentities((error, keys = []) => {
      if (error) fail(error);
      else done(keys.filter((key): key is ParsedKey => typeof key === "object" && "getPublicSSH" in key));
    });
  });
}

/** The agent as if it held these keys alone. */
class ChosenKeys extends ssh2.BaseAgent<ParsedKey> {
  readonly #agent: BaseAgent;
  readonly #keys: readonly ParsedKey[];

  constructor(agent: BaseAgent, keys: readonly ParsedKey[]) {
    super();
    this.#agent = agent;
    this.#keys = keys;
  }

  override getIdentities(done: IdentityCallback<ParsedKey>): void {
    done(null, [...this.#keys]);
  }

  override sign(key: ParsedKey, data: Buffer, options: SigningRequestOptions | SignCallback, done?: SignCallback): void {
    if (typeof options === "function") this.#agent.sign(key, data, options);
    else this.#agent.sign(key, data, options, done);
  }
}
