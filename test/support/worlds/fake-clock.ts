// A clock that tests own: waiting advances it at once.
import type { Clock } from "../../../orchestrator/ports/clock.ts";

export class FakeClock implements Clock {
  #ms = Date.parse("2026-11-22T10:00:00Z");

  now(): Date {
    return new Date(this.#ms);
  }

  monotonicMs(): number {
    return this.#ms;
  }

  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#ms += ms;
    await Promise.resolve();
  }

  advance(ms: number): void {
    this.#ms += ms;
  }
}
