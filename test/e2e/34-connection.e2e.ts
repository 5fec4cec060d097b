// The connection to the booted host breaks: some rows of `npm run trial:connection`; `npm run prove` has every kind of change and every
// point.
import { afterAll, beforeAll, expect, it } from "vitest";
import { ensureReady } from "../support/ready-host.ts";
import { openConnectionTrial, toConnectionTrials } from "../support/trials/connection-table.ts";

let world: Awaited<ReturnType<typeof openConnectionTrial>>;
const rows = toConnectionTrials(() => world);

beforeAll(async () => {
  await ensureReady();
  world = await openConnectionTrial();
});
afterAll(async () => await world.connection.close());

it.each(["another host key", "another machine behind the right key", "refused authentication"])(
  "a host that must not be talked to is named in time and nothing is written: %s",
  async (name) => {
    expect(await rows.find((row) => row.name === name)?.run()).toMatch(/^HOST_/);
  },
);

it.each([
  ["Directory: request lost, line cut", "HOST_OUTCOME_UNKNOWN"],
  ["EnvLine: answer lost, line cut", "read again: done"],
  ["Group: answer lost, line stalled", "read again: done"],
])("a change whose connection breaks is read again, or left unknown for the next command: %s", async (name, seen) => {
  expect(await rows.find((row) => row.name === name)?.run()).toContain(seen);
});

it("a preview after all of it is clean", async () => {
  expect(await rows.at(-1)?.run()).toBe("clean");
});
