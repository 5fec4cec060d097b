// configure: judges the stack's config and writes the file from which runbooks/disable knows its hosts. Contacts no host.
import { parseArgs } from "node:util";
import { toKnownHosts, toKnownHostsName, toLeftLine, writeKnownHosts } from "../provision/stack/known-hosts.ts";
import { runScript } from "./script.ts";
import { readStack, stackOptions } from "./stack.ts";

const usage = `runbooks/configure [--stack S]
  Judges Pulumi.S.yaml by its schema and writes Pulumi.S.known_hosts beside it: the hosts that runbooks/disable asks, and their keys.
  pulumi up and runbooks/enable write it too; this does it without either, after a change of the config or in a fresh checkout.
--stack S is Pulumi.S.yaml here; without it the only one there is.
Exit: 0 written · 2 usage · 78 the config does not fit, or the file cannot be written`;

await runScript(usage, async () => {
  const { values } = parseArgs({ options: { stack: stackOptions.stack } });
  const config = readStack(values.stack);
  const name = toKnownHostsName(config.stack);
  console.log(`[INFO] write ${name} from Pulumi.${config.stack}.yaml; no host is contacted`);
  const left = writeKnownHosts(config);
  console.log(toKnownHosts(config.stack, config.hosts).trimEnd());
  if (left.length > 0) console.log(`[WARN] ${toLeftLine(config.stack, left)}`);
  console.log(`[OK]   ${name} is written: runbooks/disable --stack ${config.stack} asks ${String(config.hosts.length)} host(s)`);
  return await Promise.resolve(0);
});
