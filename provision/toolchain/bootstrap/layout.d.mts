// Types of layout.mjs, which stays plain JavaScript because it runs before node_modules exists.

export declare const pulumiVersion: string;
export declare const languageHostVersion: string;
export declare const commandPluginVersion: string;
export declare const engineExecutables: readonly string[];
export declare const thisCheckout: string;

export interface ToolchainLayout {
  readonly checkout: string;
  readonly engineFolder: string;
  readonly engineBin: string;
  readonly engineOrigin: string;
  readonly officialPlugin: string;
  readonly state: string;
  readonly pulumiHome: string;
  readonly launcherBin: string;
  readonly pluginFolder: string;
  readonly pluginExecutable: string;
  readonly backend: string;
  readonly passphraseFile: string;
  readonly wrapperBin: string;
  readonly dotEnv: string;
  readonly nodeBin: string;
}

export declare function cacheRoot(environment?: NodeJS.ProcessEnv): string;
export declare function toolchainLayout(checkout?: string, environment?: NodeJS.ProcessEnv): ToolchainLayout;
