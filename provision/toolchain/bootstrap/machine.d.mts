// Types of machine.mjs.

export declare function judgeMachine(machine?: { readonly platform: string; readonly arch: string; readonly version: string }): string;
