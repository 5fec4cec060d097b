// What the engine starts: plain JavaScript, so that a shell without our environment gets a sentence and not a syntax error from an older
// Node.
import process from "node:process";

if (process.env.CUTTER_KIT_TOOLCHAIN === undefined || Number(process.versions.node.split(".")[0]) < 24) {
  throw new Error(
    "this shell does not have the kit's environment → run `. ./.env.pulumi` first (npm run doctor writes it), or use npm run pulumi -- …",
  );
}

// With several hosts the engine goes on after a resource has failed and tells the program, whose runtime would print its own insides below
// that resource's error.
process.prependListener("unhandledRejection", (error) => {
  // what RunError.isInstance asks for: a sentence, no stack
  if (error instanceof Error && error.message.endsWith(" failed to register")) Object.assign(error, { __pulumiRunError: true });
});

const { outputs } = await import("./index.ts").catch(async (error) => {
  if (error?.name !== "CutterError") throw error;
  // A refusal is one line with its remedy; the engine would print the stack, and the facts once more, below it.
  const { RunError } = await import("@pulumi/pulumi");
  throw new RunError(error.text);
});

export default outputs;
