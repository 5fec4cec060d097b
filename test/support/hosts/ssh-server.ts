// A real SSH server on loopback, with a host key of its own, that runs commands by sh and remembers them.
import { spawn } from "node:child_process";
import ssh2, { type Connection, type Session } from "ssh2";
import { createSshKeyPair } from "./ssh-keys.ts";

const { Server, utils } = ssh2;

export interface TestSshServer {
  readonly port: number;
  /** As `connection.hostKey` wants it. */
  readonly hostKey: string;
  /** The one private key that may log in, in OpenSSH's format. */
  readonly clientKey: string;
  /** Commands run, in order. */
  readonly commands: readonly string[];
  /** The most sessions that were open at a time, over all connections. */
  readonly widest: () => number;
  /** Login attempts seen, accepted or not. */
  readonly logins: readonly string[];
  /** Cuts every open connection, as a network that fails would. */
  cut(): void;
  stop(): Promise<void>;
}

/** `tries` and `sessions` are sshd's MaxAuthTries and MaxSessions. `listenOn`: 127.0.0.1 unless said; "::" is both loopback addresses. */
export interface ServerOptions {
  readonly tries?: number;
  readonly sessions?: number;
  readonly listenOn?: string;
  readonly toLocal?: (command: string) => string; // what runs here in a command's place
}

/**
 * `acceptEnv` are the variables the server lets through; each command runs in `folder`, after `shellStart`, as a root's .bashrc comes
 * before it.
 */
export async function startSshServer(
  folder: string,
  acceptEnv: readonly string[],
  shellStart = "",
  { tries = 6, sessions = 10, listenOn = "127.0.0.1", toLocal = (command) => command }: ServerOptions = {},
): Promise<TestSshServer> {
  const hostPair = createSshKeyPair();
  const clientPair = createSshKeyPair();
  const clientPublic = utils.parseKey(clientPair.public);
  if (clientPublic instanceof Error) throw clientPublic;
  const allowed = (Array.isArray(clientPublic) ? clientPublic[0] : clientPublic)?.getPublicSSH() ?? Buffer.alloc(0);
  const commands: string[] = [];
  const logins: string[] = [];
  const open = new Set<Connection>();
  let widest = 0;

  const server = new Server({ hostKeys: [hostPair.private] }, (connection) => {
    open.add(connection);
    connection.on("close", () => open.delete(connection));
    connection.on("error", () => undefined); // a client that goes away is no failure of the server
    let [refused, running] = [0, 0];
    connection.on("authentication", (attempt) => {
      logins.push(attempt.method);
      if (attempt.method === "publickey" && attempt.key.data.equals(allowed)) return attempt.accept();
      if (attempt.method !== "none" && (refused += 1) >= tries) return connection.end();
      attempt.reject(["publickey"]);
    });
    connection.on("session", (accept, reject) => {
      if (running >= sessions) return reject();
      running += 1;
      widest = Math.max(widest, running);
      const session = accept();
      session.on("close", () => (running -= 1));
      serveSession(session, folder, acceptEnv, (command) => `${shellStart}\n${toLocal(command)}`, commands);
    });
  });
  await new Promise<void>((done) => server.listen(0, listenOn, () => done()));

  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the test SSH server has no port");
  const cut = (): void => open.forEach((connection) => connection.end());
  return {
    port: address.port,
    hostKey: hostPair.public,
    clientKey: clientPair.private,
    commands,
    logins,
    widest: () => widest,
    cut,
    stop: () =>
      new Promise((done) => {
        cut();
        server.close(() => done());
      }),
  };
}

function serveSession(
  session: Session,
  folder: string,
  acceptEnv: readonly string[],
  toScript: (command: string) => string,
  commands: string[],
): void {
  const environment: Record<string, string> = { PATH: process.env.PATH ?? "" };
  session.on("env", (accept, reject, info) => {
    if (!acceptEnv.includes(info.key)) return reject?.();
    environment[info.key] = info.val;
    accept?.();
  });
  session.on("exec", (accept, _reject, info) => {
    commands.push(info.command);
    const channel = accept();
    const child = spawn("sh", ["-c", toScript(info.command)], { cwd: folder, env: environment });
    channel.pipe(child.stdin);
    child.stdin.on("error", () => undefined); // a command may end without reading its input
    child.stdout.pipe(channel, { end: false });
    child.stderr.pipe(channel.stderr, { end: false });
    channel.on("close", () => child.kill());
    child.on("close", (code, signal) => {
      if (code !== null) channel.exit(code);
      else channel.exit((signal ?? "SIGKILL").replace("SIG", ""));
      channel.end();
    });
  });
}
