// Codes of the phases' gates: why a live run would stop, or a dry run cannot go on.
import type { CodeEntry } from "./entry.ts";

export const phaseCodes = {
  DOCUMENT_MISSING: { summary: "the knowledge base has no such document", remedy: "check the document id in the request", exit: 10 },
  DOCUMENT_NOT_REGISTERED: {
    summary: "the document does not stand in the source registries",
    remedy: "register it in cutter_governance.source_document_registry and source_document_version_registry, the way the programme does",
    exit: 10,
  },
  SOURCE_REGISTRY_DIFFERS: {
    summary: "the document's bytes are not those its newest registered version names",
    remedy: "register the document's present version, or put the registered bytes back",
    exit: 10,
  },
  ROWS_MOVED: {
    summary: "rows of this document changed since the plan was made",
    remedy: "find out who writes to this document's units, then begin again under another run id",
    exit: 10,
  },
  SERVER_IS_STANDBY: {
    summary: "the database is a standby",
    remedy: "point DOT_CUTTER_DB_HOST and DOT_CUTTER_DB_PORT at the primary",
    exit: 10,
  },
  SERVER_NOT_DURABLE: { summary: "the database may lose committed transactions", remedy: "set fsync and full_page_writes on", exit: 10 },
  SERVER_UNSUPPORTED: { summary: "this PostgreSQL version is not supported", remedy: "PostgreSQL 15 to 18 are", exit: 10 },
  PG_DUMP_TOO_OLD: {
    summary: "pg_dump is older than the server",
    remedy: "set orchestrator:postgres_access to a pg_dump of the server's version or newer",
    exit: 10,
  },
  CONTRACT_MISMATCH: {
    summary: "the database is not what sql/contract describes",
    remedy: "compare with cutter contract check; either the database or the contract is to change",
    exit: 10,
  },
  ADDRESSES_TAKEN: {
    summary: "addresses of the plan exist already",
    remedy: "this document was cut before; its addresses stay taken, reverted or not, because identities are kept: cut another document",
    exit: 10,
  },
  BACKUP_UNPROVEN: {
    summary: "the backup could not be made, or could not be proven",
    remedy: "no backup, no write: mend what the facts name and run again",
    exit: 10,
  },
  DISK_FULL: {
    summary: "a disk does not take what is to be written: it is full, over a quota, read-only or failing, or too many files are open",
    remedy:
      "ENOSPC and EDQUOT: make room where the named path lies (df -h and df -i tell); EROFS and EIO: dmesg tells why, have it " +
      "mounted for writing again; EMFILE and ENFILE: wait for the other programs; with a sqlstate it is the disk of the database " +
      "server; then start it again, a live run enabled anew: it goes on where it stood",
    exit: 10,
  },
  GRANT_MATRIX_MISMATCH: {
    summary: "the effective grants are not the expected ones",
    remedy:
      "compare with cutter grants; if they are right, pin this sha as orchestrator:expected_grant_matrix_sha and have the " +
      "ruling name it; a principal that is pinned later changes it: cutter grants --governance-principal R " +
      "--revert-principal R prints the one for both",
    exit: 10,
  },
  FORBIDDEN_ACTIONS_UNTRIED: {
    summary: "no forbidden action could be tried for a login, so nothing is proven about it",
    remedy: "cutter contract check tells which tables and functions are missing",
    exit: 10,
  },
  FORBIDDEN_RIGHT_PRESENT: {
    summary: "a login could do what it must not",
    remedy: "revoke the right; cutter grants shows where it comes from",
    exit: 10,
  },
  STRUCTURE_BROKEN: {
    summary: "the plan's units do not make up the document",
    remedy: "this is a bug of the kit: keep the run's folder and report it",
    exit: 70,
  },
  SWITCH_NOT_OFF: {
    summary: "the kill switch is not off at the end of the run",
    remedy:
      "a dry run: run_id is armed or live for a cut of its own; let that one end and stop nothing for this, then dry-run again under " +
      "another run id. A live run: runbooks/disable --now, then find out why",
    exit: 10,
  },
  TARGET_TOO_MANY_DOCUMENTS: {
    summary: "the knowledge base holds more documents than can be looked through for what names a candidate",
    remedy: "nothing was proposed: choose by hand, or raise the bound in the release",
    exit: 10,
  },
  PRINCIPAL_TOO_STRONG: {
    summary: "a principal holds more rights than its duties need",
    remedy: "take the named rights away (sql/grants shows what is needed), or have the RULING accept this code by name",
    exit: 10,
  },
  READ_BACK_DIFFERS: {
    summary: "what another login reads back is not what was planned",
    remedy:
      "the step had committed, and nothing of it was rolled back: somebody changed the rows after COMMIT, the functions write " +
      "something else than they were given, or the login does not see all of it; compare what the facts name, then SG_3 decides",
    exit: 10,
  },
  CLOSEOUT_ROWS_MISSING: {
    summary: "a table in scope grew by fewer rows than this run wrote",
    remedy: "somebody removed rows meanwhile: compare the table with the plan and the backup before anything else",
    exit: 30,
  },
} as const satisfies Record<string, CodeEntry>;
