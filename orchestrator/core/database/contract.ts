// The database contract (sql/contract/contract.json): what the orchestrator relies on, and the comparison with what is there.
import { z } from "zod";
import { toSqlLiteral } from "./sql-placeholders.ts";

const qualifiedName = z.string().regex(/^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$/);
const column = z.strictObject({ name: z.string(), type: z.string(), notNull: z.boolean(), hasDefault: z.boolean() });
const key = z.strictObject({
  kind: z.enum(["primary", "unique", "foreign"]),
  columns: z.array(z.string()),
  references: z.string().nullable(),
});
const table = z.strictObject({ name: qualifiedName, columns: z.array(column), keys: z.array(key) });
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

/** What sql/contract/catalogue.sql answers. */
export const catalogueSchema = z.strictObject({
  tables: z.array(table),
  functions: z.array(functionShape),
  rights: z.array(right.extend({ held: z.boolean() })),
});

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

/** sql/contract/catalogue.sql for psql's stdin (`psql -X -q -At`); it prints one line of JSON. Pure. */
export function toCatalogueScript(contract: DatabaseContract, catalogueSql: string): string {
  return `set search_path to pg_catalog;\nset cutter.contract to ${toSqlLiteral(JSON.stringify(contract))};\n${catalogueSql}`;
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
      ),
    ),
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

function toTableDifferences(expected: z.infer<typeof table>, found: z.infer<typeof table> | undefined): readonly ContractDifference[] {
  const object = `table ${expected.name}`;
  if (found === undefined) return [{ object, expected: "present", found: "absent" }];
  const columns = expected.columns.flatMap((wanted) => {
    const had = found.columns.find(({ name }) => name === wanted.name);
    return toDifference(`column ${expected.name}.${wanted.name}`, toColumnText(wanted), had === undefined ? "absent" : toColumnText(had));
  });
  const demanding = found.columns.filter(
    (had) => had.notNull && !had.hasDefault && !expected.columns.some(({ name }) => name === had.name),
  );
  const keysFound = new Set(found.keys.map(toKeyText));
  return [
    ...columns,
    ...demanding.map((had) => ({
      object: `column ${expected.name}.${had.name}`,
      expected: "absent, or with a default",
      found: toColumnText(had),
    })),
    ...expected.keys
      .map(toKeyText)
      .filter((text) => !keysFound.has(text))
      .map((text) => ({ object, expected: text, found: "absent" })),
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

function toKeyText({ kind, columns, references }: z.infer<typeof key>): string {
  return `${kind} key (${columns.join(", ")})${references === null ? "" : ` to ${references}`}`;
}
