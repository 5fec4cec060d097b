// The kill switch. Off in source and in every build; no option, environment variable or configuration key changes that.
import { tokenFiles } from "./core/arming/token.ts";
import { CutterError } from "./core/errors.ts";
import type { Files } from "./ports/files.ts";
import type { SwitchState } from "./ports/run-ports.ts";

export const __execution_enabled__ = false;

/** Where the switch's files are: on a host those of core/host/layout.ts. */
export interface SwitchPaths {
  readonly latch: string;
  readonly armed: string;
  readonly live: string;
}

/** Judges the token that lies in the live folder: request, payload, release, host, ruling and signatures. */
export type TokenVerifier = (runId: string, tokenFolder: string) => Promise<boolean>;

/**
 * The only reader of `__execution_enabled__`. True only while this run's verified token lies in the live folder and the latch is absent.
 * Whatever cannot be read counts as off.
 */
export async function executionEnabled(
  runId: string,
  world: { readonly files: Files; readonly paths: SwitchPaths; readonly verifyToken: TokenVerifier },
): Promise<boolean> {
  let enabled: boolean = __execution_enabled__;
  if (await hasVerifiedToken(runId, world)) enabled = true;
  return enabled && (await readLatch(world.files, world.paths.latch)) === null;
}

async function hasVerifiedToken(
  runId: string,
  world: { readonly files: Files; readonly paths: SwitchPaths; readonly verifyToken: TokenVerifier },
): Promise<boolean> {
  const folder = `${world.paths.live}/${runId}`;
  try {
    return (await world.files.facts(folder))?.kind === "folder" && (await world.verifyToken(runId, folder));
  } catch {
    return false;
  }
}

/** Why the latch holds; null only when the file is certainly not there. */
async function readLatch(files: Files, path: string): Promise<string | null> {
  try {
    return (await files.facts(path)) === null ? null : "the latch is set";
  } catch {
    return "the latch cannot be read, which counts as set";
  }
}

/**
 * What a person sees: off, armed, live or disabled. The latch wins over everything else; a token that expired before it was started is no
 * token.
 * @throws KILL_SWITCH_UNREADABLE when the folders of tokens cannot be listed
 */
export async function readKillSwitch(files: Files, paths: SwitchPaths, now: Date): Promise<SwitchState> {
  const latch = await readLatch(files, paths.latch);
  if (latch !== null) return { state: "disabled", why: latch };
  const [live] = await listTokens(files, paths.live);
  if (live !== undefined)
    return {
      state: "live",
      runId: live,
      since: await readTime(files, `${paths.live}/${live}/${tokenFiles.startedAt}`, (text) => text.trim()),
    };
  for (const armed of await listTokens(files, paths.armed)) {
    const until = await readTime(files, `${paths.armed}/${armed}/${tokenFiles.token}`, toExpiry);
    if (until === null || new Date(until) > now) return { state: "armed", runId: armed, until };
  }
  return { state: "off" };
}

async function listTokens(files: Files, folder: string): Promise<readonly string[]> {
  try {
    return (await files.list(folder)) ?? [];
  } catch (cause) {
    throw new CutterError("KILL_SWITCH_UNREADABLE", { folder }, { cause });
  }
}

function toExpiry(text: string): unknown {
  const token: unknown = JSON.parse(text);
  return typeof token === "object" && token !== null && "expires_at" in token ? token.expires_at : null;
}

/** For display only: nothing is enabled by it. Null when it cannot be told. */
async function readTime(files: Files, path: string, toTime: (text: string) => unknown): Promise<string | null> {
  try {
    const bytes = await files.read(path);
    const time = bytes === null ? null : toTime(new TextDecoder().decode(bytes));
    return typeof time === "string" && !Number.isNaN(Date.parse(time)) ? new Date(time).toISOString() : null;
  } catch {
    return null;
  }
}
