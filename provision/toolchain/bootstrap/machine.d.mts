// Types of machine.mjs.

export declare function checkPlatform(machine?: { readonly platform: string; readonly arch: string; readonly version: string }): string;
