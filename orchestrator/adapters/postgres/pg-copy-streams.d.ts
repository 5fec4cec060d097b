// The part of pg-copy-streams we use; the package brings no types.
declare module "pg-copy-streams" {
  import type { Submittable } from "pg";
  import type { Readable } from "node:stream";

  export interface CopyToStream extends Readable, Submittable {
    readonly rowCount: number; // known after the stream ended
  }
  export function to(text: string): CopyToStream;
}
