// Types of npm.mjs.
import type { ToolchainLayout } from "./layout.mjs";

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly optional?: boolean;
}

export declare function ensureNpmPackages(layout: ToolchainLayout): Promise<string>;
export declare function isInStep(
  wanted: Readonly<Record<string, LockedPackage>>,
  installed: Readonly<Record<string, LockedPackage>>,
): boolean;
