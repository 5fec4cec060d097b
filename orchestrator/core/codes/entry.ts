// One entry of the registry.

/** `exit` says what happened to production (decision 27). `summary` has no final stop; `remedy` is an instruction. */
export interface CodeEntry {
  readonly summary: string;
  readonly remedy: string;
  readonly exit: 2 | 10 | 11 | 20 | 30 | 70 | 78;
}
