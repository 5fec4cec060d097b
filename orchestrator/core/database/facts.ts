// What sql/survey/database-facts.sql answers: the one line of JSON, as a schema.
import { z } from "zod";

export const databaseFactsSchema = z.strictObject({
  server_version: z.string(),
  server_version_num: z.int(),
  database: z.string(),
  in_recovery: z.boolean(),
  roles: z.array(z.strictObject({ name: z.string(), present: z.boolean(), login: z.boolean(), superuser: z.boolean() })),
  tables: z.array(z.strictObject({ name: z.string(), present: z.boolean() })),
  functions: z.array(z.strictObject({ name: z.string(), present: z.boolean() })),
  governance_rights: z.array(
    z.strictObject({ principal: z.string(), table: z.string(), privilege: z.enum(["INSERT", "SELECT"]), held: z.boolean() }),
  ),
  transaction_id_assigned: z.boolean(), // the survey's own proof that asking wrote nothing
});

export type DatabaseFacts = z.infer<typeof databaseFactsSchema>;
