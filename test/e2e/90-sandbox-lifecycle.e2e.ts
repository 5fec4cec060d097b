// A second sandbox beside this checkout's own: made in a copy of the checkout, and taken away to its last trace. `npm run prove` ill-
// treats it in between.
import { afterAll, beforeAll, describe } from "vitest";
import { copyCheckout, testComesUp, testGoesWhole, type CopiedCheckout } from "../support/hosts/copied-checkout.ts";

let copied: CopiedCheckout;
const world = (): CopiedCheckout => copied;

beforeAll(() => {
  copied = copyCheckout();
});
afterAll(() => copied.remove());

describe("a second sandbox", () => {
  testComesUp(world);
  testGoesWhole(world, "orderly");
});
