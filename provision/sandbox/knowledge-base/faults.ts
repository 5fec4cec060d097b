// What tests ask to go wrong: a file beside the server, read anew for each request.
import { readFileSync } from "node:fs";
import { z } from "zod";

const limits = {
  method: z.string().optional(),
  pathContains: z.string().optional(),
  after: z.boolean().default(false).describe("true: the request is carried out first, and only its answer goes wrong"),
};
const faultSchema = z.union([
  z.strictObject({ stall: z.literal(true), ...limits }),
  z.strictObject({ drop: z.literal(true), ...limits }),
  z.strictObject({
    status: z.int().min(200).max(599),
    body: z.string().default(""),
    contentType: z.string().default("text/plain"),
    ...limits,
  }),
]);

export type Fault = z.infer<typeof faultSchema>;

/** The fault that applies to this request, or null. A file that is not a fault throws: a test that misspells one must not pass. */
export function readFault(path: string | undefined, request: { readonly method: string; readonly path: string }): Fault | null {
  const text = path === undefined ? null : readIfPresent(path);
  if (text === null || text.trim() === "") return null;
  const fault = faultSchema.parse(JSON.parse(text));
  if (fault.method !== undefined && fault.method !== request.method) return null;
  if (fault.pathContains !== undefined && !request.path.includes(fault.pathContains)) return null;
  return fault;
}

function readIfPresent(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}
