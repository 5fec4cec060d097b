// What an approval is bound to.

/** Where it holds. */
export interface HostScope {
  readonly host: string; // host identity
  readonly releaseSha256: string; // of the release's manifest
}
