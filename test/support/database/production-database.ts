// A ProductionDatabase on a test server, logged in as the host would be.
import { Secret } from "../../../orchestrator/core/host/secret.ts";
import { openProductionDatabase } from "../../../orchestrator/adapters/postgres/production-database.ts";
import type { DatabaseSettings, GovernancePrincipal, LoginSettings } from "../../../orchestrator/adapters/postgres/settings.ts";
import type { ProductionDatabase } from "../../../orchestrator/ports/database.ts";
import type { TestPostgres, TestRole } from "./postgres.ts";

export function toTestSettings(server: TestPostgres): DatabaseSettings {
  const login = (user: TestRole): LoginSettings => ({
    host: server.host,
    port: server.port,
    database: server.database,
    user,
    password: new Secret(server.passwords[user]),
    sslMode: "disable",
  });
  return {
    logins: {
      context_pack_readonly: login("context_pack_readonly"),
      cutter_exec: login("cutter_exec"),
      cutter_verify: login("cutter_verify"),
      governance: login("directus_secdef"),
    },
  };
}

export function openTestDatabase(server: TestPostgres, principal: GovernancePrincipal = "directus_secdef"): ProductionDatabase {
  return openProductionDatabase(toTestSettings(server), principal);
}
