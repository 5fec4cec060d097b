// The arrows nobody may draw: which layer may import which, and room by room. Held by `npm run layers`, and by a test that plants
// violations.

const rooms = require("./test/house/rooms.cjs");

const quoted = (path) => path.replaceAll(".", "\\.").replaceAll("/", "\\/");
/** Files of a room: those directly in its folder, or the one file that is a room. */
const filesOf = (room) =>
  room.endsWith("/**") ? `^${quoted(room.slice(0, -2))}` : room.endsWith(".ts") ? `^${quoted(room)}$` : `^${quoted(room)}\\/[^/]+$`;
const fileRooms = Object.keys(rooms)
  .filter((room) => room.endsWith(".ts"))
  .map(filesOf);

/** One rule a room: it imports itself and what test/house/rooms.cjs lists for it. */
const roomRules = Object.entries(rooms).map(([room, [holds, ...imports]]) => ({
  name: `room ${room}`,
  comment: `${holds}: imports only ${imports.join(", ") || "itself"} (test/house/rooms.cjs)`,
  severity: "error",
  from: { path: filesOf(room), pathNot: fileRooms.filter((file) => file !== filesOf(room)) },
  to: { path: "^(orchestrator|provision|deploy|runbooks)/", pathNot: [...imports.map(filesOf), filesOf(room)] },
}));

/** What core may use besides itself: pure libraries, and Node's own pure modules. */
const purePackages = "node_modules/(zod|canonicalize|yaml|openpgp|mdast-util-[^/]+|@types/[^/]+)/";
const pureBuiltins = [
  "crypto",
  "buffer",
  "util",
  "path",
  "node:crypto",
  "node:buffer",
  "node:util",
  "node:path",
  "assert/strict",
  "node:assert/strict",
];

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "core-is-pure",
      comment: "core is rules and data: it imports itself, zod and pure libraries, and does no I/O",
      severity: "error",
      from: { path: "^orchestrator/core/" },
      to: { pathNot: ["^orchestrator/core/", purePackages, `^(${pureBuiltins.join("|")})$`] },
    },
    {
      name: "phases-know-core-and-port-types",
      comment: "a phase sees the world through ports: types only, and never an adapter, the engine, the cli or the configuration's loader",
      severity: "error",
      from: { path: "^orchestrator/phases/" },
      to: { path: "^(orchestrator|provision|deploy|runbooks)/", pathNot: ["^orchestrator/(core|phases|ports)/"] },
    },
    {
      name: "ports-are-types-for-phases",
      severity: "error",
      comment: "a phase imports a port by `import type`",
      from: { path: "^orchestrator/phases/" },
      to: { path: "^orchestrator/ports/", dependencyTypesNot: ["type-only"] },
    },
    {
      name: "ports-know-core-only",
      severity: "error",
      comment: "a port is a contract: it may name core's types and nothing that fulfils it",
      from: { path: "^orchestrator/ports/" },
      to: { path: "^(orchestrator|provision|deploy|runbooks)/", pathNot: ["^orchestrator/(core|ports)/"] },
    },
    {
      name: "adapters-never-import-phases",
      severity: "error",
      comment: "an adapter serves any caller: it knows core, ports and other adapters",
      from: { path: "^orchestrator/adapters/" },
      to: { path: "^orchestrator/", pathNot: ["^orchestrator/(core|ports|adapters)/"] },
    },
    {
      name: "only-compose-imports-adapters",
      severity: "error",
      comment: "the cli, the engine, the gates and the phases get their adapters handed in by compose.ts",
      from: { path: "^orchestrator/", pathNot: ["^orchestrator/compose\\.ts$", "^orchestrator/adapters/"] },
      to: { path: "^orchestrator/adapters/" },
    },
    {
      name: "orchestrator-stands-alone",
      severity: "error",
      comment: "what runs on the host knows nothing of what puts it there",
      from: { path: "^orchestrator/" },
      to: { path: ["^(provision|deploy|runbooks|test)/", "node_modules/@pulumi/", "node_modules/(node-ssh|ssh2|zx|esbuild)/"] },
    },
    {
      name: "kit-knows-core-only",
      severity: "error",
      comment: "provision, deploy and runbooks share the pure rules with the orchestrator, and know the rest by its release manifest",
      from: { path: "^(provision|deploy|runbooks)/" },
      to: { path: "^orchestrator/", pathNot: ["^orchestrator/core/"] },
    },
    {
      name: "nothing-imports-tests",
      severity: "error",
      comment: "a test helper is no library",
      from: { path: "^(orchestrator|provision|deploy|runbooks)/" },
      to: { path: "^test/" },
    },
    {
      name: "no-cycles",
      severity: "error",
      comment: "a cycle is two files that are one",
      from: {},
      to: { circular: true },
    },
    {
      name: "everything-resolves",
      severity: "error",
      comment: "an import that leads nowhere would escape every rule above; mdast is types only",
      from: {},
      to: { couldNotResolve: true, pathNot: ["^mdast$"] },
    },
    {
      name: "every-folder-is-a-room",
      comment: "a folder that test/house/rooms.cjs does not list would import what it likes",
      severity: "error",
      from: { path: "^(orchestrator|provision|deploy|runbooks)/", pathNot: Object.keys(rooms).map(filesOf) },
      to: {},
    },
    ...roomRules,
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(node_modules|\\.build|\\.sandbox|\\.pulumi-state)/" },
    // Also sees `import type`, which leaves no trace in the JavaScript.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "types", "node", "default"],
      extensions: [".ts", ".mts", ".mjs", ".js", ".json"],
    },
  },
};
