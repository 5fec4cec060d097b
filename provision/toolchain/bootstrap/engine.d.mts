// Types of engine.mjs.
import type { ToolchainLayout } from "./layout.mjs";

export interface EngineOrigin {
  readonly origin: string;
  readonly version: string;
  readonly builtAt: string;
  readonly files: Readonly<Record<string, string>>;
}

export declare function ensureEngine(layout: ToolchainLayout, progress: (text: string) => void): Promise<string>;
export declare function readOrigin(layout: ToolchainLayout): EngineOrigin | null;
export declare function isIntact(layout: ToolchainLayout): Promise<boolean>;
