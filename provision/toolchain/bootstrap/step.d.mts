// Types of step.mjs.

export declare class MissingTool extends Error {
  readonly without: string;
  readonly fatal: boolean;
  constructor(message: string, without: string, fatal?: boolean);
}

export declare function step(name: string, work: (progress: (text: string) => void) => string | Promise<string>): Promise<void>;
export declare function warn(text: string): void;
export declare function elapsed(startedMs: number, nowMs?: number): string;
