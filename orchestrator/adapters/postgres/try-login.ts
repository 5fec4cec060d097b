// One login tried: connect, authenticate, ask for the session's settings, and go. Nothing is written.
import { CutterError } from "../../core/errors.ts";
import { openClient } from "./connection.ts";
import type { LoginSettings } from "./settings.ts";

const connectTimeoutMs = 5_000;

/** Null when the server took it. */
export async function tryLogin(settings: LoginSettings, login: string): Promise<CutterError | null> {
  try {
    const { client } = await openClient(settings, login, connectTimeoutMs, "cutter survey");
    await client.end();
    return null;
  } catch (error) {
    if (error instanceof CutterError) return error;
    throw error;
  }
}
