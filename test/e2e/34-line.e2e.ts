// The line to the booted host breaks: some rows of `npm run line`, which has every kind of change and every point.
import { afterAll, beforeAll, expect, it } from "vitest";
import { ensureReady } from "../support/e2e.ts";
import { readRecorded } from "../support/kit.ts";
import { openTrialConnection, type TrialConnection } from "../support/trials/line.ts";
import { toMutationTrials, type ConnectionTrial } from "../support/trials/line-mutations.ts";
import { toRefusalTrials } from "../support/trials/line-refusals.ts";
import { readSteps, readTree } from "../support/stack.ts";

let connection: TrialConnection;
let world: ConnectionTrial;

beforeAll(async () => {
  await ensureReady();
  connection = await openTrialConnection();
  world = { connection, resources: await readRecorded(), tree: await readTree() };
});
afterAll(async () => await connection.close());

it.each(["another host key", "another machine behind the right key", "refused authentication", "stall in the key exchange"])(
  "a host that must not be talked to, or does not answer, is named in time and nothing is written: %s",
  async (name) => {
    expect(
      await toRefusalTrials(world)
        .find((row) => row.name === name)
        ?.run(),
    ).toMatch(/^HOST_/);
  },
);

it.each([
  ["Directory: request lost, line cut", "HOST_OUTCOME_UNKNOWN"],
  ["Unit: while its job runs, line cut", "read again: done"],
  ["EnvLine: answer lost, line cut", "read again: done"],
  ["Group: answer lost, line stalled", "read again: done"],
  ["Release switch: request lost, line cut", "HOST_OUTCOME_UNKNOWN"],
])("a change whose line breaks is read again, or left unknown for the next command: %s", async (name, seen) => {
  expect(
    await toMutationTrials(world)
      .find((row) => row.name === name)
      ?.run(),
  ).toContain(seen);
});

it("a preview after all of it is clean", async () => {
  expect(await readSteps()).toEqual([]);
});
