// The sandbox's knowledge base as a process: one argument, the path of its JSON configuration.
import { readServerConfig } from "./config.ts";
import { startKnowledgeBaseServer } from "./server.ts";

const [configFile, ...rest] = process.argv.slice(2);
if (configFile === undefined || rest.length > 0) {
  console.error("usage: main.ts CONFIG.json");
  process.exit(2);
}
const config = readServerConfig(configFile);
const server = await startKnowledgeBaseServer(config);
console.log(
  `[OK] knowledge base listens on ${config.tls === null ? "http" : "https"}://${config.listen.address}:${server.port}${config.prefix}`,
);

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    void server.close().then(() => process.exit(0));
  });
}
