// Types of home.mjs.
import type { ToolchainLayout } from "./layout.mjs";

export declare function ensurePulumiHome(layout: ToolchainLayout): void;
export declare function fixedEnvironment(layout: ToolchainLayout): Record<string, string>;
