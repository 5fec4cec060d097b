// One step of the set-up: one line that says what is there now and how long it took.

/** Something that is missing and cannot be installed here. `without` says what still works; `fatal` when nothing after it can. */
export class MissingTool extends Error {
  constructor(message, without, fatal = false) {
    super(message);
    this.name = "MissingTool";
    this.without = without;
    this.fatal = fatal;
  }
}

const heartbeatMs = 60_000;

/**
 * Runs `work`, which returns the sentence to print. Work that says `progress(text)` first is announced at once, and a line a minute
 * shows that it still lives.
 */
export async function step(name, work) {
  const startedMs = performance.now();
  let heartbeat;
  const progress = (text) => {
    console.log(`[INFO] ${name}: ${text}`);
    heartbeat ??= setInterval(() => console.log(`[INFO] ${name}: still at it (${elapsed(startedMs)})`), heartbeatMs);
  };
  try {
    const sentence = await work(progress);
    console.log(`[OK]   ${name}: ${sentence} (${elapsed(startedMs)})`);
  } finally {
    clearInterval(heartbeat);
  }
}

export function warn(text) {
  console.log(`[WARN] ${text}`);
}

/** "0.3 s", "12 s", "6 min 2 s". */
export function elapsed(startedMs, nowMs = performance.now()) {
  const seconds = (nowMs - startedMs) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
