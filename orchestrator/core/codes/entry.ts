// One entry of the registry.

/** `exit` is one of design section 4.1's exit codes: 2, 10, 11, 20, 30, 70, 78. `summary` has no final stop; `remedy` is an instruction. */
export interface CodeEntry {
  readonly summary: string;
  readonly remedy: string;
  readonly exit: 2 | 10 | 11 | 20 | 30 | 70 | 78;
}
