// All kinds of resources the provider has.
import type { Kind } from "../kind/define.ts";
import { groupKind, userKind } from "./account.ts";
import { directoryKind } from "./directory.ts";
import { envLineKind } from "./env-line.ts";
import { executionOffKind } from "./execution-off.ts";
import { fileKind } from "./file.ts";
import { keyFileKind } from "./key-file.ts";
import { linkKind } from "./link.ts";
import { releaseKind } from "./release.ts";
import { unitKind } from "./unit.ts";

export const kinds: readonly Kind[] = [
  executionOffKind,
  groupKind,
  userKind,
  directoryKind,
  fileKind,
  linkKind,
  keyFileKind,
  unitKind,
  envLineKind,
  releaseKind,
];
