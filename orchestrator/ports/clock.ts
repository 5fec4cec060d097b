// Time is a value passed in: tests own it.

export interface Clock {
  /** Wall clock, UTC. */
  now(): Date;
  /** Monotonic milliseconds, for durations and deadlines. */
  monotonicMs(): number;
  /** Resolves after `ms`, or rejects when `signal` aborts. */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}
