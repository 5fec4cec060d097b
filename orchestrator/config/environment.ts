// Environment variables that could change what code runs or where it connects are refused before anything else happens.
import { CutterError } from "../core/errors.ts";

const dangerous: readonly RegExp[] = [
  /^NODE_/, // NODE_OPTIONS, NODE_TLS_REJECT_UNAUTHORIZED, NODE_EXTRA_CA_CERTS, NODE_PATH, NODE_DEBUG …
  /^PG/, // node-postgres falls back to PG* where a field is unset
  /^LD_/,
  /^SSLKEYLOGFILE$/,
  /^OPENSSL_/,
  /^GNUPGHOME$/,
  /^UV_/,
];

/** Names only; a value may be a secret. Pure. @throws ENVIRONMENT_DANGEROUS */
export function refuseDangerousEnvironment(environment: Readonly<Record<string, string | undefined>>): void {
  const found = Object.keys(environment).filter((name) => environment[name] !== undefined && dangerous.some((shape) => shape.test(name)));
  if (found.length > 0) throw new CutterError("ENVIRONMENT_DANGEROUS", { names: found.sort() });
}
