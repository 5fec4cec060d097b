// Files of the host, as far as the orchestrator needs them. Paths are absolute. A disk that fails, full or otherwise, is DISK_FULL in each.

export interface FileFacts {
  readonly kind: "file" | "folder" | "link" | "other";
  readonly mode: number; // permission bits, e.g. 0o700
  readonly uid: number;
  readonly size: number; // bytes
}

export interface Files {
  /** null when there is no such file; any other failure throws the system's error. */
  read(path: string): Promise<Uint8Array | null>;
  /** Digest of a file's bytes, read as a stream; null when there is no such file. */
  sha256(path: string): Promise<string | null>;
  /** Names in a folder, sorted; null when there is no such folder. */
  list(path: string): Promise<readonly string[] | null>;
  /** Of the entry itself, links are not followed; null when absent. */
  facts(path: string): Promise<FileFacts | null>;
  /** Durable when it returns: temporary name in the same folder, fsync, rename, fsync of the folder. */
  writeAtomic(path: string, content: Uint8Array | string, mode: number): Promise<void>;
  /** Creates one folder with exactly this mode; its parent must exist. False when something stands there already. */
  makeFolder(path: string, mode: number): Promise<boolean>;
}
