// The sandbox's own certificate authority and the KB's certificate: production's KB is reached by a TLS name, so the replica's is too.
import { writeFileSync } from "node:fs";
import { mustRun } from "../base/process.ts";

export const kbName = "kb.sandbox.test";

export interface TlsFiles {
  readonly caFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** Makes CA and server certificate into `directory`. The CA's private key is not kept: nobody can issue a second certificate. */
export async function makeTls(directory: string): Promise<TlsFiles> {
  const at = (name: string) => `${directory}/${name}`;
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];
  writeFileSync(
    at("server.ext"),
    `subjectAltName=DNS:${kbName}\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n`,
  );
  await mustRun("openssl: CA", [
    "openssl",
    "req",
    "-x509",
    ...curve,
    "-keyout",
    at("ca.key"),
    "-out",
    at("ca.pem"),
    "-days",
    "730",
    "-subj",
    "/CN=Sandbox CA (test)",
    "-addext",
    "keyUsage=critical,keyCertSign,cRLSign",
    "-addext",
    "basicConstraints=critical,CA:TRUE",
  ]);
  await mustRun("openssl: request", [
    "openssl",
    "req",
    ...curve,
    "-keyout",
    at("server.key"),
    "-out",
    at("server.csr"),
    "-subj",
    `/CN=${kbName}`,
  ]);
  await mustRun("openssl: certificate", [
    "openssl",
    "x509",
    "-req",
    "-in",
    at("server.csr"),
    "-CA",
    at("ca.pem"),
    "-CAkey",
    at("ca.key"),
    "-CAcreateserial",
    "-out",
    at("server.pem"),
    "-days",
    "365",
    "-extfile",
    at("server.ext"),
  ]);
  await mustRun("remove CA key", ["rm", "-f", at("ca.key"), at("server.csr"), at("server.ext"), at("ca.srl")]);
  return { caFile: at("ca.pem"), certificateFile: at("server.pem"), keyFile: at("server.key") };
}
