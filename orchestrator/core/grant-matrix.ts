// The effective grant matrix as text: sorted lines and their sha256.

/** `text` is sorted lines, each ended by \n; `sha256` is of its UTF-8 bytes. */
export interface GrantMatrix {
  readonly text: string;
  readonly sha256: string;
}
