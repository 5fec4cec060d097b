// One login tried: connect, authenticate, ask for the session's settings, and go. Nothing is written.
import { CutterError } from "../../core/errors.ts";
import { openClient } from "./connection.ts";
import type { SameServer } from "./same-server.ts";
import type { LoginSettings } from "./settings.ts";

const connectTimeoutMs = 5_000;

/** Null when the server took it, and is the one that took the logins tried before. */
export async function tryLogin(settings: LoginSettings, login: string, sameServer?: SameServer): Promise<CutterError | null> {
  try {
    const { client, place } = await openClient(settings, login, connectTimeoutMs, "cutter survey");
    await client.end();
    sameServer?.admit(login, place);
    return null;
  } catch (error) {
    if (error instanceof CutterError) return error;
    throw error;
  }
}
