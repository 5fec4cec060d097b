// A systemd file: its text, and whether it is enabled and running. systemd is told of every change.
import { z } from "zod";
import { sha256Hex } from "../../../orchestrator/core/encoding/digest.ts";
import { CutterError } from "../../../orchestrator/core/errors.ts";
import { resourceArgs } from "../../resource-args.ts";
import { defineKind } from "../kind/define.ts";
import { displacedFolder, readOverrides, toDisplaceScript } from "./support/overrides.ts";
import { digestField, readFileInputs, withDigest } from "./file.ts";
import { toWriteFile } from "./support/write-file.ts";

const schema = resourceArgs.Unit.extend({
  ...digestField,
  enabled: z.string().default(""), // "enabled" for sockets and `boot`, "" where it does not apply; a reading has systemd's word
  active: z.string().default(""), // likewise
  overrides: z.string().default(""), // always "": a reading names the drop-ins and masks it found
});

type UnitInputs = z.infer<typeof schema>;

export const unitKind = defineKind({
  type: "Unit",
  schema,
  complete: (inputs) => ({ ...withDigest(inputs), ...wantedState(inputs.activation), overrides: "" }),
  claimOf: ({ path }) => path,
  foreignCode: "FOREIGN_FILE",
  read: async (host, inputs) => {
    if (inputs.activation === "tmpfiles") return await readFileInputs(host, inputs);
    const overrides = await readOverrides(host, inputs.path, inputs.name);
    const masked = overrides.split("\n").includes(inputs.path);
    const file = masked
      ? ({ state: "present", inputs: { ...inputs, content: "", sha256: sha256Hex("") } } as const)
      : await readFileInputs(host, inputs);
    if (file.state !== "present") return file;
    if (inputs.activation !== "socket" && inputs.activation !== "boot") return { state: "present", inputs: { ...file.inputs, overrides } };
    const outcome = await host.run('systemctl is-enabled -- "$1"; systemctl is-active -- "$1"; exit 0', [inputs.name], {
      timeoutMs: 15_000,
    });
    if (outcome.code !== 0) throw new CutterError("HOST_OUTCOME_UNKNOWN", { host: host.address.name, reading: inputs.name });
    const [enabled = "", active = ""] = outcome.stdout.split("\n");
    return { state: "present", inputs: { ...file.inputs, overrides, enabled, active: inputs.activation === "boot" ? "" : active } };
  },
  write: async ({ runJob }, inputs) => {
    const { script, args, stdin } = toWriteFile(inputs, Buffer.from(inputs.content, "utf8"), activationScript[inputs.activation](inputs));
    const displace = inputs.activation === "tmpfiles" ? "" : toDisplaceScript('"$1"', inputs.name, displacedFolder);
    await runJob({ script: displace + script, args, stdin, timeoutMs: 60_000 });
  },
  remove: ({ path, name, activation }) => ({
    script: `${activation === "socket" || activation === "boot" ? 'systemctl disable --now -- "$2" || :' : activation === "service" ? 'systemctl stop -- "$2" || :' : ":"}
rm -f -- "$1"; systemctl daemon-reload`,
    args: [path, name],
  }),
});

function wantedState(activation: UnitInputs["activation"]): { readonly enabled: string; readonly active: string } {
  return { enabled: activation === "socket" || activation === "boot" ? "enabled" : "", active: activation === "socket" ? "active" : "" };
}

/** The name's shape admits nothing that sh would read otherwise. */
const activationScript: Record<UnitInputs["activation"], (inputs: UnitInputs) => string> = {
  none: () => "systemctl daemon-reload",
  tmpfiles: () => 'systemd-tmpfiles --create -- "$1"',
  service: ({ name }) => `systemctl daemon-reload; systemctl try-restart -- ${name}`,
  boot: ({ name }) => `systemctl daemon-reload; systemctl enable -- ${name}`,
  // A socket cannot be restarted while its service runs: stop both, then listen again.
  socket: ({ name }) =>
    `systemctl daemon-reload; systemctl stop -- ${name} ${name.replace(".socket", ".service")} 2>/dev/null || :; systemctl ` +
    `enable -- ${name}; systemctl start -- ${name}`,
};
