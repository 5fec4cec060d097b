// A CA and a server certificate for one name, made by the openssl command: real TLS, without a key in the repository.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

export interface TlsFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** Writes them into `folder`, valid for two days. `prefix` keeps several sets apart. */
export function makeTlsFiles(folder: string, name: string, prefix = "kb"): TlsFiles {
  const at = (file: string) => join(folder, `${prefix}-${file}`);
  const openssl = (...args: string[]) =>
    execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"], env: { PATH: process.env["PATH"] } });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", "-x509", ...newKey, "-keyout", at("ca.key"), "-out", at("ca.pem"), "-days", "2", "-subj", `/CN=test CA ${prefix}`);
  openssl("req", ...newKey, "-keyout", at("server.key"), "-out", at("server.csr"), "-subj", `/CN=${name}`);
  writeFileSync(at("server.ext"), `subjectAltName=DNS:${name}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n`);
  openssl(
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
    "2",
    "-extfile",
    at("server.ext"),
  );
  return { caFile: at("ca.pem"), certFile: at("server.pem"), keyFile: at("server.key") };
}
