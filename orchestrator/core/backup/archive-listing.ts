// What `pg_restore --list` prints of an archive: which tables' data it holds. Pure.

/** Schema-qualified names of the tables whose data the archive holds, in its order. */
export function toArchivedTables(listing: string): readonly string[] {
  return [...listing.matchAll(/^\d+; \d+ \d+ TABLE DATA (\S+) (\S+) \S+$/gm)].map(([, schema = "", table = ""]) => `${schema}.${table}`);
}

/** Of `expected`, those whose data the archive does not hold exactly once. */
export function toMissingTables(listing: string, expected: readonly string[]): readonly string[] {
  const found = toArchivedTables(listing);
  return expected.filter((table) => found.filter((name) => name === table).length !== 1);
}
