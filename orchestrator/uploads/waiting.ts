// What a wait for the knowledge base says while it lasts: since when, until when at most, and what was seen. Pure.
import { CutterError } from "../core/errors.ts";
import type { Clock } from "../ports/clock.ts";

export interface Waiting {
  readonly sinceMs: number; // since the first failed try
  readonly since: string; // ISO 8601 UTC, to the second
  readonly until: string; // when it is given up at the latest
  readonly seen: string; // what the last try met, in words
}

/** `failingSinceMs` is of the monotonic clock; `remainingMs` counts from now. */
export function toWaiting(clock: Clock, failingSinceMs: number, remainingMs: number, error: CutterError): Waiting {
  const sinceMs = clock.monotonicMs() - failingSinceMs;
  const nowMs = clock.now().getTime();
  return { sinceMs, since: toSecond(nowMs - sinceMs), until: toSecond(nowMs + remainingMs), seen: toSeen(error) };
}

/**
 * Never more than was seen: a server that answers 500 is reached, and a connection that broke says nothing of what became of the call. What
 * stands in the facts was written by the adapters, not by a server.
 */
export function toSeen({ code, facts }: CutterError): string {
  const call = typeof facts["call"] === "string" ? facts["call"] : "a call";
  const reason = String(facts["reason"] ?? "");
  if (code === "DOCUMENT_LOCKED") return `${String(facts["holder"] ?? "another run")} holds it`;
  if (code === "KB_INDEX_CONTENDED") return "somebody else writes it at the same time";
  if (/^answers \d+$/.test(reason)) return `the knowledge base is reached and ${reason} to ${call}`;
  if (reason === "no answer in time") return `the knowledge base gave no answer to ${call} within ${String(facts["timeout_ms"])} ms`;
  if (reason === "no connection") return `no connection to the knowledge base for ${call}: ${String(facts["error"])}`;
  if (reason === "connection lost") return `the connection to the knowledge base broke during ${call}: ${String(facts["error"])}`;
  return reason === "" ? `${code} at ${call}` : `${code} at ${call}: ${reason}`;
}

/** Whether a write whose answer did not come may still be under way: the server may store it after we have given it up. */
export function mayStillLand(error: unknown): boolean {
  if (!(error instanceof CutterError && error.code === "KB_UNAVAILABLE")) return false;
  const { call, reason } = error.facts;
  if (typeof call !== "string" || call.startsWith("GET ")) return false;
  return ["no answer in time", "connection lost", "answers 502", "answers 504"].some((one) => one === reason);
}

function toSecond(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
