// Runs once before the tests on the host: what an earlier test run says about it does not count, because the sources may have changed
// since.
export { forgetReadyHost as setup } from "./ready-host.ts";
