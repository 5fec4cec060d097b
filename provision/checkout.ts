// The folder of this checkout: the nearest one above that holds Pulumi.yaml, whether the code runs from source or bundled.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

export function findCheckout(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, "Pulumi.yaml"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error("no Pulumi.yaml above the program: run it inside the checkout");
    folder = parent;
  }
  return folder;
}
