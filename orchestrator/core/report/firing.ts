// What fires beside a write, in words: one line each, the same in the dry run's certificate and in the report. Pure.
import { toVisible } from "../page/page.ts";

/** As sql/contract/catalogue.sql names it. */
interface Fires {
  readonly on: string;
  readonly kind: string;
  readonly name: string;
  readonly when: string;
  readonly runs: string | null;
}

/** Names are the database's, so they are made visible. */
export function toFiringLine({ on, kind, name, when, runs }: Fires): string {
  return toVisible(`${kind} ${name} on ${on}: ${when}${runs === null ? "" : `, runs ${runs}`}`);
}
