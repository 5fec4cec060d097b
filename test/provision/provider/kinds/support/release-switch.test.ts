// The operator's half of confirm or revert: what is thrown when the proof fails, is not seen, or comes too late; and that nothing is
// confirmed then.
import { beforeEach, expect, it } from "vitest";
import { CutterError } from "../../../../../orchestrator/core/errors.ts";
import type { CommandOutcome, RemoteHost } from "../../../../../provision/host/connection.ts";
import type { JobSpec } from "../../../../../provision/provider/kind/define.ts";
import {
  confirmWithinS,
  switchAndConfirm,
  reportRevertedRelease,
  toConfirmationState,
} from "../../../../../provision/provider/kinds/support/release-switch.ts";
import { localAddress } from "../../../../support/hosts/local-host.ts";

const name = "0.6.0-0123456789ab";
const ok: CommandOutcome = { code: 0, stdout: "", stderr: "" };
const cut: CommandOutcome = { code: null, stdout: "", stderr: "", problem: "the channel closed without an exit code" };

let answers: { proof: CommandOutcome; confirm: CommandOutcome; back: CommandOutcome };
let asked: string[];
let said: string[];
let closed: number;
let reachable: boolean;

const toVerb = (script: string): keyof typeof answers =>
  script.includes(" confirm ") ? "confirm" : script.includes(" back ") ? "back" : "proof";
const fresh: RemoteHost = {
  address: localAddress,
  isOpen: () => true,
  run: (script) => {
    asked.push(toVerb(script));
    return Promise.resolve(answers[toVerb(script)]);
  },
  close: () => void (closed += 1),
};
const pooled = (stdout: string): RemoteHost => ({ ...fresh, run: () => Promise.resolve({ ...ok, stdout }) });
const context = (standing = "") => ({
  host: pooled(standing),
  runJob: ({ args }: JobSpec) => Promise.resolve(void asked.push(args.slice(1).join(" "))),
  openFresh: () => (reachable ? Promise.resolve(fresh) : Promise.reject(new CutterError("HOST_UNREACHABLE", {}))),
  say: (line: string) => void said.push(line),
});
const failing = async () =>
  await switchAndConfirm(context(), name).then(
    () => null,
    (error: unknown) => error,
  );

beforeEach(() => {
  answers = { proof: ok, confirm: ok, back: { ...ok, stdout: "releases/0.6.0-aaaaaaaaaaaa\n" } };
  [asked, said, closed, reachable] = [[], [], 0, true];
});

it("switches with a deadline, proves over a connection of its own, confirms, and closes it", async () => {
  await switchAndConfirm(context(), name);
  expect(asked).toEqual([`${name} ${confirmWithinS}`, "proof", "confirm"]);
  expect(closed).toBe(1);
});

it("lets the host go back at once from a release that does not work, and says what it said", async () => {
  answers.proof = { code: 139, stdout: "", stderr: "[ERR] cannot start\n" };
  expect(await failing()).toMatchObject({
    code: "RELEASE_UNHEALTHY",
    facts: { release: name, exit: 139, now_on: "0.6.0-aaaaaaaaaaaa", said: "[ERR] cannot start" },
  });
  expect(asked.slice(1)).toEqual(["proof", "back"]);
  expect(closed).toBe(1);
});

it.each<[string, () => void, readonly string[]]>([
  ["no new connection is let in", () => void (reachable = false), []],
  ["the line is cut during the proof", () => void (answers.proof = cut), ["proof"]],
  ["the line is cut during the confirmation", () => void (answers.confirm = cut), ["proof", "confirm"]],
  ["the confirmation fails", () => void (answers.confirm = { code: 21, stdout: "", stderr: "no lock" }), ["proof", "confirm"]],
])("leaves it to the host, and names its deadline, when %s", async (_what, arrange, expected) => {
  arrange();
  expect(await failing()).toMatchObject({ code: "RELEASE_UNCONFIRMED", facts: { release: name, goes_back_within_s: confirmWithinS } });
  expect(asked.slice(1)).toEqual(expected);
});

it("takes a lost answer to the confirmation as given when the host says so over another connection", async () => {
  answers.confirm = cut;
  await switchAndConfirm(context(`good ${name}\n`), name);
  expect(asked.slice(1)).toEqual(["proof", "confirm"]);
});

it("says that the host was quicker when the confirmation comes too late", async () => {
  answers.confirm = { code: 20, stdout: "", stderr: "" };
  expect(await failing()).toMatchObject({ code: "RELEASE_REVERTED", facts: { release: name, why: "deadline" } });
});

it("tells a reversal of the past once, and nothing where there was none", async () => {
  await reportRevertedRelease(context(`good 0.6.0-aaaaaaaaaaaa\nreverted ${name} 0.6.0-aaaaaaaaaaaa reboot 2026-11-23T01:00:00Z\n`));
  await reportRevertedRelease(context("good 0.6.0-aaaaaaaaaaaa\n"));
  expect(said).toEqual([expect.stringMatching(new RegExp(`RELEASE_REVERTED .*release=${name} now_on=0.6.0-aaaaaaaaaaaa why=reboot`))]);
});

it.each([
  ["confirmed", [`good ${name}`]],
  ["unconfirmed", [`good ${name}`, `pending ${name}`]],
  ["unconfirmed", ["good 0.6.0-aaaaaaaaaaaa"]],
  ["unconfirmed", []],
])("calls a release %s by the records %j", (standing, records) => {
  expect(toConfirmationState(records, name)).toBe(standing);
});
