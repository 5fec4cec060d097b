// The database contract (sql/contract/contract.json): what the orchestrator relies on, and the comparison with what is there.
import { z } from "zod";
import { requiredSettings } from "./session-settings.ts";
import { toSqlLiteral } from "./sql-placeholders.ts";

const qualifiedName = z.string().regex(/^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$/);
const column = z.strictObject({ name: z.string(), type: z.string(), notNull: z.boolean(), hasDefault: z.boolean() });
const key = z.strictObject({
  kind: z.enum(["primary", "unique", "foreign"]),
  columns: z.array(z.string()),
  references: z.string().nullable(),
});
/** Why a key that is there does not hold what it says, such as "not enforced". */
const foundKey = key.extend({ weak: z.array(z.string()) });
const table = z.strictObject({ name: qualifiedName, columns: z.array(column), keys: z.array(key) });
const foundTable = table.extend({ keys: z.array(foundKey) });
const functionShape = z.strictObject({
  name: qualifiedName,
  arguments: z.string(),
  returns: z.string(),
  language: z.string(),
  volatility: z.enum(["immutable", "stable", "volatile"]),
  securityDefiner: z.boolean(),
  owner: z.string(),
  settings: z.array(z.string()),
});
const right = z.strictObject({
  principal: z.string(),
  kind: z.enum(["schema", "table", "function"]),
  object: z.string(),
  privilege: z.string(),
});

export const databaseContractSchema = z.strictObject({
  schema: z.literal("cutter.database-contract/1"),
  tables: z.array(table),
  functions: z.array(functionShape),
  decoys: z.array(qualifiedName), // same name, other schema: counted before and after, never touched
  backupTables: z.array(qualifiedName),
  rights: z.array(right), // principal `governance` stands for whichever is pinned
});

/** What lies under the name of a table in scope. `relatives`: tables that inherit from it, or that it inherits from. */
const standing = z.strictObject({
  name: qualifiedName,
  kind: z.string(), // "table" for an ordinary one
  persistence: z.enum(["permanent", "unlogged", "temporary"]),
  relatives: z.array(z.string()),
  rowSecurity: z.boolean(),
  forced: z.boolean(),
  policies: z.array(z.string()),
});

/** What runs beside a write of ours: an enabled trigger, a rule, an event trigger at login. */
export const firingSchema = z.strictObject({
  on: z.string(), // the table in scope, or "database NAME"
  kind: z.enum(["trigger", "rule", "event trigger"]),
  name: z.string(),
  when: z.string(), // e.g. "after insert or update for each row"
  runs: z.string().nullable(), // the function, schema-qualified
});

/** A setting that a login cannot pin, changed for a role, the database or the server. */
const foreignSetting = z.strictObject({ name: z.string(), expected: z.string(), found: z.string(), of: z.string() });

/** A trigger of the server's own that does not fire: then its constraint `constraint` of table `of` checks nothing for writes to `on`. */
const silentTrigger = z.strictObject({ on: z.string(), constraint: z.string(), of: z.string(), state: z.string() });

/** What sql/contract/catalogue.sql answers. */
export const catalogueSchema = z.strictObject({
  tables: z.array(foundTable),
  functions: z.array(functionShape),
  rights: z.array(right.extend({ held: z.boolean() })),
  standing: z.array(standing),
  silent: z.array(silentTrigger),
  firing: z.array(firingSchema),
  settings: z.array(foreignSetting),
});

export type Firing = z.infer<typeof firingSchema>;
export type DatabaseContract = z.infer<typeof databaseContractSchema>;
export type Catalogue = z.infer<typeof catalogueSchema>;

export interface ContractDifference {
  readonly object: string;
  readonly expected: string;
  readonly found: string;
}

/**
 * The contract with `governance` replaced by the pinned principal; without one, its rights are left out (GAP-4 says so elsewhere). Pure.
 */
export function withPrincipal(contract: DatabaseContract, governancePrincipal: string | null): DatabaseContract {
  const rights = contract.rights
    .filter((needed) => needed.principal !== "governance" || governancePrincipal !== null)
    .map((needed) => (needed.principal === "governance" ? { ...needed, principal: governancePrincipal ?? "" } : needed));
  return { ...contract, rights };
}

/** Tables whose counts and digests a run must leave alone: those of the contract and the decoys. Pure. */
export function toScopeTables(contract: DatabaseContract): readonly string[] {
  return [...contract.tables.map(({ name }) => name), ...contract.decoys].sort();
}

/** The value of the setting cutter.contract, that sql/contract/catalogue.sql is asked with. Pure. */
export function toCatalogueQuestion(contract: DatabaseContract): string {
  return JSON.stringify({ ...contract, settings: requiredSettings });
}

/** sql/contract/catalogue.sql for psql's stdin, behind `toPinScript`; it prints one line of JSON. Pure. */
export function toCatalogueScript(contract: DatabaseContract, catalogueSql: string): string {
  return `set cutter.contract to ${toSqlLiteral(toCatalogueQuestion(contract))};\n${catalogueSql}`;
}

/**
 * Every difference that matters, in the contract's order. More columns than we know are fine, unless an insert of ours would
 * have to fill them. `contract` must be the one the catalogue was asked with. Pure.
 */
export function toContractDifferences(contract: DatabaseContract, catalogue: Catalogue): readonly ContractDifference[] {
  return [
    ...contract.tables.flatMap((expected) =>
      toTableDifferences(
        expected,
        catalogue.tables.find(({ name }) => name === expected.name),
        catalogue.standing.some(({ name }) => name === expected.name),
      ),
    ),
    ...catalogue.standing.flatMap(toStandingDifferences),
    ...toSilentDifferences(catalogue.silent),
    ...catalogue.settings.map(({ name, expected, found, of }) => ({ object: `setting ${name} of ${of}`, expected, found })),
    ...contract.functions.flatMap((expected) =>
      toFunctionDifferences(
        expected,
        catalogue.functions.filter(({ name }) => name === expected.name),
      ),
    ),
    ...catalogue.rights
      .filter(({ held }) => !held)
      .map((needed) => ({
        object: `right ${needed.principal} ${needed.privilege} on ${needed.kind} ${needed.object}`,
        expected: "held",
        found: "missing",
      })),
  ];
}

/**
 * Only an ordinary table without relatives shows each login all its rows, counts each write, and survives a crash. Policies are refused
 * where row security is off, too: one statement would switch them on.
 */
function toStandingDifferences(found: z.infer<typeof standing>): readonly ContractDifference[] {
  const object = `table ${found.name}`;
  const security = [
    ...(found.rowSecurity ? ["on"] : []),
    ...(found.forced ? ["forced"] : []),
    ...(found.policies.length === 0 ? [] : [`policies ${found.policies.join(", ")}`]),
  ];
  return [
    ...toDifference(object, "an ordinary table", found.kind === "table" ? "an ordinary table" : `a ${found.kind}`),
    ...(found.kind === "table" ? toDifference(object, "permanent", found.persistence) : []),
    ...toDifference(object, "no inheritance", found.relatives.length === 0 ? "no inheritance" : `relatives ${found.relatives.join(", ")}`),
    ...toDifference(`row security of ${object}`, "off, no policies", security.length === 0 ? "off, no policies" : security.join(", ")),
  ];
}

/** A constraint has several triggers: each state of it on each table is told once. */
function toSilentDifferences(silent: Catalogue["silent"]): readonly ContractDifference[] {
  const told = new Map(
    silent.map(({ on, constraint, of, state }): [string, ContractDifference] => {
      const difference = { object: `constraint ${constraint} of table ${of}`, expected: "enforced", found: `triggers on ${on} ${state}` };
      return [JSON.stringify(difference), difference];
    }),
  );
  return [...told.values()];
}

/** `standsOtherwise`: something of another kind has the name, and that is told already. */
function toTableDifferences(
  expected: z.infer<typeof table>,
  found: z.infer<typeof foundTable> | undefined,
  standsOtherwise: boolean,
): readonly ContractDifference[] {
  const object = `table ${expected.name}`;
  if (found === undefined) return standsOtherwise ? [] : [{ object, expected: "present", found: "absent" }];
  const columns = expected.columns.flatMap((wanted) => {
    const had = found.columns.find(({ name }) => name === wanted.name);
    return toDifference(`column ${expected.name}.${wanted.name}`, toColumnText(wanted), had === undefined ? "absent" : toColumnText(had));
  });
  const demanding = found.columns.filter(
    (had) => had.notNull && !had.hasDefault && !expected.columns.some(({ name }) => name === had.name),
  );
  return [
    ...columns,
    ...demanding.map((had) => ({
      object: `column ${expected.name}.${had.name}`,
      expected: "absent, or with a default",
      found: toColumnText(had),
    })),
    ...expected.keys
      .map((wanted) => ({ object, expected: toKeyText(wanted), found: toKeyState(toKeyText(wanted), found.keys) }))
      .filter(({ found: state }) => state !== "in force"),
  ];
}

function toFunctionDifferences(
  expected: z.infer<typeof functionShape>,
  found: readonly z.infer<typeof functionShape>[],
): readonly ContractDifference[] {
  const object = `function ${expected.name}`;
  const [only, ...others] = found;
  if (only === undefined) return [{ object, expected: "present", found: "absent" }];
  if (others.length > 0) return [{ object, expected: "one signature", found: found.map((each) => `(${each.arguments})`).join(" and ") }];
  return (["arguments", "returns", "language", "volatility", "owner"] as const)
    .flatMap((part) => toDifference(object, `${part} ${expected[part]}`, `${part} ${only[part]}`))
    .concat(
      toDifference(object, `security definer ${String(expected.securityDefiner)}`, `security definer ${String(only.securityDefiner)}`),
    )
    .concat(toDifference(object, `settings ${expected.settings.join("; ")}`, `settings ${only.settings.join("; ")}`));
}

function toDifference(object: string, expected: string, found: string): readonly ContractDifference[] {
  return expected === found ? [] : [{ object, expected, found }];
}

function toColumnText({ type, notNull, hasDefault }: z.infer<typeof column>): string {
  return [type, notNull ? "not null" : "null", hasDefault ? "with default" : "without default"].join(" ");
}

/** Of several alike, one in force is enough. */
function toKeyState(wanted: string, found: readonly z.infer<typeof foundKey>[]): string {
  const alike = found.filter((had) => toKeyText(had) === wanted);
  const [first] = alike;
  if (first === undefined) return "absent";
  return alike.some(({ weak }) => weak.length === 0) ? "in force" : first.weak.join(", ");
}

function toKeyText({ kind, columns, references }: z.infer<typeof key>): string {
  return `${kind} key (${columns.join(", ")})${references === null ? "" : ` to ${references}`}`;
}
