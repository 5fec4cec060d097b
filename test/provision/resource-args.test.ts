// The arguments of our resources: a person who changes one can read before what that does to the host, and the engine asks for a new thing
// where it says so.
import { expect, it } from "vitest";
import { kinds } from "../../provision/provider/kinds/index.ts";
import { resourceArgs } from "../../provision/resource-args.ts";
import { localAddress } from "../support/hosts/local-host.ts";

it("says of every argument what a change of it does to the host", () => {
  const silent = Object.entries(resourceArgs).flatMap(([type, { shape }]) =>
    Object.entries(shape).flatMap(([name, field]) => (field.description === undefined ? [`${type}.${name}`] : [])),
  );
  expect(silent).toEqual([]);
});

it("has one kind for every type, and makes another thing for a change of exactly these arguments", () => {
  expect(kinds.map(({ type }) => type).toSorted()).toEqual(Object.keys(resourceArgs).toSorted());
  const replaces = kinds.map(({ type, changes }) => {
    const names = [
      "path",
      "name",
      "mode",
      "owner",
      "group",
      "home",
      "groups",
      "keep",
      "content",
      "sha256",
      "target",
      "value",
      "activation",
    ];
    const toInputs = (value: string) => Object.fromEntries(names.map((name) => [name, value]));
    return [type, changes({ host: localAddress, ...toInputs("a") }, { host: localAddress, ...toInputs("b") }).replaces];
  });
  expect(Object.fromEntries(replaces)).toEqual({
    ExecutionOff: [],
    Group: ["name"],
    User: ["name"],
    Directory: ["path"],
    File: ["path"],
    Link: ["path"],
    KeyFile: ["path"],
    Unit: ["path", "name"],
    EnvLine: ["path", "name"],
    Release: [],
  });
});

it("replaces nothing for another machine or another way to the host: a delete on a machine that is gone could never end", () => {
  for (const { changes } of kinds) {
    const to = (change: object) => changes({ host: localAddress, adopt: false }, { host: { ...localAddress, ...change }, adopt: true });
    expect(to({})).toEqual({ changed: [], replaces: [] });
    expect(to({ port: 2222 })).toEqual({ changed: ["host"], replaces: [] });
    expect(to({ machineIdentity: "1".repeat(64) })).toEqual({ changed: ["host"], replaces: [] });
  }
});
