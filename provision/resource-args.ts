// The arguments of every resource, for the program and the provider. Each field says what a change of it does to the host.
import { z } from "zod";
import { hostAddressSchema } from "./host/address.ts";

const path = z
  .string()
  .regex(/^(\/[A-Za-z0-9._@-]+)+$/)
  .refine((text) => !/(^|\/)\.\.?(\/|$)/.test(text), "must not contain . or ..");
const account = z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/);

/** A change of this field makes another resource: the new thing first, then the old one goes, as the description says. */
const replaced = <Schema extends z.ZodType>(schema: Schema, description: string): Schema => schema.meta({ replaces: true, description });

/** What every resource has. */
const baseArgs = {
  host: hostAddressSchema.describe(
    "Written again. On a machine of another identity what is not ours is refused; nothing is removed elsewhere.",
  ),
  adopt: z.boolean().default(false).describe("The operator listed it: what stands there is taken over. A change alone does nothing."),
};

/** Not stricter than text: a reading has the host's own words here, such as mode 4755 or an owner that is a number. */
const accessArgs = {
  mode: z.string().describe("Four octal digits. Set again."),
  owner: z.string().describe("Set again; a directory's contents keep theirs."),
  group: z.string().describe("Set again; a directory's contents keep theirs."),
};

const fileArgs = z.strictObject({
  ...baseArgs,
  path: replaced(path, "The file is written at the new path, then the old file is removed."),
  ...accessArgs,
  content: z.string().describe("The whole file is replaced, by rename. It is in the state of the stack: no secrets."),
});

/** By the type's name in the engine's state; the names of types and fields are in every stack's state, so they stay. */
export const resourceArgs = {
  ExecutionOff: z.strictObject(baseArgs),
  Group: z.strictObject({ ...baseArgs, name: replaced(account, "The new group is made; the old one stays.") }),
  User: z.strictObject({
    ...baseArgs,
    name: replaced(account, "The new user is made; the old one stays."),
    group: z.string().describe("The primary group is set; files keep theirs."),
    home: z.string().describe("The entry is changed; no directory is made or moved."),
    shell: z.string().describe("The entry is changed."),
    groups: z.array(z.string()).describe("All other groups of the user: it leaves every group that is not listed."),
  }),
  Directory: z.strictObject({
    ...baseArgs,
    path: replaced(path, "The new directory is made; the old one is removed if it is empty and not kept."),
    ...accessArgs,
    keep: z.boolean().describe("It stays when the resource goes, with all it holds. A change alone does nothing."),
  }),
  File: fileArgs,
  Link: z.strictObject({
    ...baseArgs,
    path: replaced(path, "The new link is made, then the old one is removed."),
    target: z.string().describe("The link is replaced, by rename."),
  }),
  KeyFile: fileArgs.extend({
    fingerprint: z.string().describe("The content is checked against it, then the file is written again."),
    pinnedSha256: z.string().describe("Of the file. The content is checked against it, then the file is written again."),
    purpose: z.enum(["encrypt", "sign"]).describe("The key must be able to do it; then the file is written again."),
  }),
  Unit: fileArgs.extend({
    name: replaced(
      z.string().regex(/^[a-z0-9][a-z0-9-]*@?\.(service|socket|conf)$/),
      "The new unit is installed, then the old one is disabled and removed.",
    ),
    activation: z
      .enum(["none", "socket", "service", "tmpfiles", "boot"])
      .describe(
        "After each write. none: a reload. socket: enabled, listens anew. service: restarted if it runs. tmpfiles: applied. boot: enabled.",
      ),
  }),
  EnvLine: z.strictObject({
    ...baseArgs,
    path: replaced(path, "The line is added to the new file, then removed from the old one; all other lines stay."),
    name: replaced(z.literal("BACKUP_GPG_FPR"), "The new line is added, then the old one is removed."),
    value: z
      .string()
      // The last two are a reading's: of what is no fingerprint, and of a line that is there more than once.
      .regex(/^(?:[0-9A-F]{40}|\[REDACTED\]|\(\d+ lines\))$/)
      .describe("This one line is changed; all other bytes of the file stay."),
  }),
  Release: z.strictObject({
    ...baseArgs,
    name: z
      .string()
      .regex(/^\d+\.\d+\.\d+-[0-9a-f]{12}$/)
      .describe("That release is uploaded if it is absent, then the host switches to it; the one before stays."),
    sha256: z
      .string()
      .regex(/^([0-9a-f]{12}|[0-9a-f]{64})$/)
      .describe("Of manifest.json, or its first 12 digits. A folder that does not fit is uploaded again."),
  }),
};

export type ResourceType = keyof typeof resourceArgs;
export type ResourceArgs<Type extends ResourceType> = z.infer<(typeof resourceArgs)[Type]>;
