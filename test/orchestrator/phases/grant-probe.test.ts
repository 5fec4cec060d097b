// Phase 5's proof by trying: nothing tried is no proof.
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeWorld, type World } from "../../support/worlds/world.ts";

let world: World;
beforeEach(async () => {
  world = await makeWorld();
});
afterEach(() => world.remove());

const untried = async () => (await world.start()).would_refuse.filter(({ code }) => code === "FORBIDDEN_ACTIONS_UNTRIED");

it("refuses each login for which no forbidden action was tried", async () => {
  world.database.probes = [];
  expect(await untried()).toHaveLength(4);
});

it("refuses the one login that is missing among others", async () => {
  world.database.probes = world.database.probes.filter(({ login }) => login !== "cutter_exec");
  expect(await untried()).toMatchObject([{ phase: "grant_probe" }]);
});

it("is content when every login was tried", async () => {
  expect(await untried()).toEqual([]);
});

it("tells a principal that holds more than its duties, with the rights", async () => {
  world.database.matrixText = "role cutter_exec login superuser\ngrant delete on table public.unit_version to cutter_exec\n";
  const told = (await world.start()).would_refuse.filter(({ code }) => code === "PRINCIPAL_TOO_STRONG");
  expect(told).toMatchObject([{ phase: "grant_probe", facts: { principal: "cutter_exec", surplus: 2 } }]);
});
