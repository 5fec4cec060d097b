// Where a host is and how it is known: the part of the stack config that a connection needs.
import { z } from "zod";

export const hostAddressSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
  host: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.:-]*$/, "a host name or an address"),
  port: z.int().min(1).max(65_535),
  user: z.literal("root"),
  hostKey: z
    .string()
    .regex(
      /^(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/]+={0,2}$/,
      "the key's type and its base64, as in /etc/ssh/ssh_host_ed25519_key.pub, without the comment",
    ),
  machineIdentity: z.string().regex(/^[0-9a-f]{64}$/, "64 lower-case hex digits: sha256 of cutter: and the host's /etc/machine-id"),
});

/** One host, completely pinned: a connection to anything else is refused. `name` is for people, in output and resource names. */
export type HostAddress = z.infer<typeof hostAddressSchema>;
