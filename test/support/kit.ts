// What an up does with single resources, by the provider's own code and from the inputs in the stack's state, over a line of the test's
// choice.
import { readSandboxState } from "../../provision/sandbox/state/state.ts";
import type { HostAddress } from "../../provision/host/address.ts";
import { createHostPool } from "../../provision/host/pool.ts";
import { createProvider } from "../../provision/provider/provider.ts";
import { checkout } from "./e2e.ts";
import { pulumi } from "./stack.ts";

export interface RecordedResource {
  readonly type: string; // Directory, File, …
  readonly name: string; // as in the steps of a preview
  readonly urn: string;
  readonly id: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

export interface Kit {
  /** Reads the host; then creates, updates or leaves the thing. "equal", "done", or the code of what was thrown with its text. */
  up(resource: RecordedResource): Promise<string>;
  /** As a preview reads: "equal", "differs" or what was thrown. */
  observe(resource: RecordedResource): Promise<string>;
  remove(resource: RecordedResource): Promise<string>;
}

/** The stack's own resources, as its state has them. */
export async function readRecorded(): Promise<readonly RecordedResource[]> {
  const { code, output } = await pulumi("stack", "export");
  if (code !== 0) throw new Error(`no state: ${output}`);
  const state = JSON.parse(output.slice(output.search(/^\{/m))) as {
    readonly deployment: {
      readonly resources: readonly {
        readonly type: string;
        readonly urn: string;
        readonly id?: string;
        readonly inputs?: Record<string, unknown>;
      }[];
    };
  };
  return state.deployment.resources
    .filter(({ type }) => type.startsWith("cutterhost:index:"))
    .map(({ type, urn, id = "", inputs = {} }) => ({
      type: type.split(":").at(-1) ?? "",
      name: urn.split("::").at(-1) ?? "",
      urn,
      id,
      inputs,
    }));
}

/** One command's worth of provider: one pool of connections, gone after `work`. `port` of loopback leads to the sandbox host. */
export async function withKit<Result>(port: number, work: (kit: Kit) => Promise<Result>): Promise<Result> {
  const { hostKey, machineIdentity } = readSandboxState(checkout);
  const host: HostAddress = { name: "sandbox", host: "127.0.0.1", port, user: "root", hostKey, machineIdentity };
  const pool = createHostPool();
  const provider = createProvider(pool, () => undefined);
  const toInputs = ({ inputs }: RecordedResource) => ({ ...inputs, host });
  const observe = async (resource: RecordedResource): Promise<"absent" | "equal" | "differs"> => {
    const inputs = toInputs(resource);
    const found = await provider.read?.(resource.id, resource.urn, inputs);
    if (found === undefined || found.id === "") return "absent";
    const diff = await provider.diff?.(resource.id, resource.urn, found.props, inputs);
    return diff?.changes === true ? "differs" : "equal";
  };
  const toMessage = (act: () => Promise<string>): Promise<string> =>
    act().catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
  try {
    return await work({
      observe: (resource) => toMessage(async () => await observe(resource)),
      up: (resource) =>
        toMessage(async () => {
          const found = await observe(resource);
          if (found === "equal") return "equal";
          if (found === "absent") await provider.create?.(resource.urn, toInputs(resource));
          else await provider.update?.(resource.id, resource.urn, toInputs(resource), toInputs(resource));
          return "done";
        }),
      remove: (resource) => toMessage(async () => (await provider.delete?.(resource.id, resource.urn, toInputs(resource)), "done")),
    });
  } finally {
    await pool.closeAll();
  }
}
