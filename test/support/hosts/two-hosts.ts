// The ready sandbox host and a second one in its stack; afterwards neither the second host nor what the state says of it is left.
import { writeKnownHosts } from "../../../provision/stack/known-hosts.ts";
import { readStack } from "../../../runbooks/stack.ts";
import { importState, readState } from "../stack.ts";
import { listBothHosts, makeSecondHost, type SecondHost } from "./second-host.ts";

export interface TwoHosts {
  readonly second: SecondHost;
  close(): Promise<void>;
}

/** Boots the second host and lists both in the stack file; nothing is on it until an up. */
export async function openTwoHosts(): Promise<TwoHosts> {
  const second = await makeSecondHost();
  const putBack = listBothHosts(second);
  return {
    second,
    close: async () => {
      putBack();
      writeKnownHosts(readStack("sandbox")); // an up left both there
      await second.remove();
      await forgetSecond();
    },
  };
}

/** What the state still says of the second host goes with it; its files are gone already. */
async function forgetSecond(): Promise<void> {
  const state = await readState();
  const resources = (state.deployment.resources ?? []).filter(({ urn }) => !/::second(\/|$)/.test(urn));
  await importState({ ...state, deployment: { ...state.deployment, resources } });
}
