// Field types the kinds share.
import { z } from "zod";
import { hostAddressSchema } from "../../host/address.ts";

export const baseFields = { host: hostAddressSchema, adopt: z.boolean().default(false) };
export const pathField = z
  .string()
  .regex(/^(\/[A-Za-z0-9._@-]+)+$/)
  .refine((path) => !/(^|\/)\.\.?(\/|$)/.test(path), "must not contain . or ..");
export const modeField = z.string().regex(/^0[0-7]{3}$/, "four octal digits");
export const accountField = z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/);

/** What a reading may say where an input would be refused: a mode such as 4755, an owner that is a number. */
export const observed = z.string();
