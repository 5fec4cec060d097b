// Types of plugin.mjs.
import type { ToolchainLayout } from "./layout.mjs";

export declare function ensureCommandPlugin(layout: ToolchainLayout): "official" | "stand-in";
