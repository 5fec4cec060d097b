// The connection to the booted host breaks: every kind of change and every point, by the rows of `npm run trial:connection`.
import { afterAll, beforeAll } from "vitest";
import { ensureReady } from "../support/ready-host.ts";
import { testTrials } from "../support/trials/as-tests.ts";
import { openConnectionTrial, toConnectionTrials } from "../support/trials/connection-table.ts";

let world: Awaited<ReturnType<typeof openConnectionTrial>>;

beforeAll(async () => {
  await ensureReady();
  world = await openConnectionTrial();
});
afterAll(async () => await world.connection.close());

testTrials(toConnectionTrials(() => world));
