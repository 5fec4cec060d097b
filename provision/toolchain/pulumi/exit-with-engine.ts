// A killed engine leaves its plugins behind, with their SSH connections: a plugin of ours ends by itself when its engine is gone.
import { connect } from "node:net";

const checkIntervalMs = 1_000;

/** The engine's address among a plugin's arguments: the one that is no option. */
export function toEngineAddress(args: readonly string[]): string {
  return args.find((argument) => !argument.startsWith("-")) ?? "";
}

/**
 * Calls `exit` within about a second of the engine's end. The sign is another parent; an engine that was gone before its plugin could look
 * has no other to compare with, so its address ("127.0.0.1:PORT") is asked once, after the parent was read. Without an address (a person
 * starts the plugin) nothing is asked.
 */
export function exitWithEngine(engineAddress: string, exit: () => void = () => process.exit(0)): void {
  const engine = process.ppid;
  setInterval(() => {
    if (process.ppid !== engine) exit();
  }, checkIntervalMs).unref();
  const port = Number(/:(\d+)$/.exec(engineAddress)?.[1] ?? 0);
  if (port === 0) return;
  const asked = connect({ host: engineAddress.slice(0, engineAddress.lastIndexOf(":")), port });
  asked.on("connect", () => asked.destroy()).on("error", exit);
  asked.unref();
}
