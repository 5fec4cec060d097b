// Codes of root helpers, the host's files and the survey.
import type { CodeEntry } from "./entry.ts";

export const hostCodes = {
  NOT_ROOT: { summary: "this helper works as root only", remedy: "systemd starts it; by hand, become root", exit: 10 },
  ADHOC_UNIT_FAILED: {
    summary: "the command's unit was not started, or was ended before the command could tell how it went",
    remedy:
      "journalctl -u the named unit tells why; for a run, cutter orchestrate status tells what it did before you start anything again",
    exit: 30,
  },
  HOST_FILE_UNSAFE: {
    summary: "a file that root relies on could have been changed by somebody else, is no plain file, or is larger than it can sensibly be",
    remedy: "look at its owner, mode, kind and size; it must be a regular file of root that nobody else can write",
    exit: 78,
  },
  HOST_FILE_MISSING: {
    summary: "a file that root relies on is not there",
    remedy: "pulumi up writes what the kit owns; the env files are the host's own",
    exit: 78,
  },
  ENV_LINE_AMBIGUOUS: {
    summary: "a line of an env file would be read differently by different programs",
    remedy: "write the named key on one line as NAME='value' without quote or backslash inside the value",
    exit: 78,
  },
  ENV_NAME_DOUBLED: { summary: "a name stands twice in one env file", remedy: "remove one of the two lines", exit: 78 },
  ENV_NAME_CONFLICT: {
    summary: "a name stands in both env files with different values",
    remedy: "remove the wrong one, or make them equal",
    exit: 78,
  },
  ENV_NAME_MISSING: {
    summary: "a needed name is in none of its env files",
    remedy: "add the named line to the file on the host; orchestrator.env_files says which file holds which name",
    exit: 78,
  },
  LEFTOVERS_NOT_REMOVED: {
    summary: "the live token or the credentials of a start that is over could not be removed",
    remedy: "runbooks/disable now, then look at the named paths and remove them as root",
    exit: 30,
  },
  DUMP_UNREACHABLE: {
    summary: "the helper that runs pg_dump does not answer",
    remedy: "look at systemctl status cutter-dump.socket and at orchestrator:postgres_access",
    exit: 10,
  },
  DUMP_STREAM_BROKEN: {
    summary: "the dump did not arrive whole",
    remedy: "nothing was written; look at the journal of cutter-dump@ on the host and run again",
    exit: 10,
  },
  DUMP_REQUEST_REFUSED: {
    summary: "the dump helper was asked for something it does not do",
    remedy: "only the run asks it, and only for the tables of the narrow backup; look who opened the socket",
    exit: 10,
  },
  RUN_KILLED: {
    summary: "the run was killed before it could say what it did",
    remedy: "start it again, a live run enabled anew: it goes on from its journal",
    exit: 10,
  },
  RUN_UNIT_NOT_SET_UP: {
    summary: "systemd could not set the run's unit up, so the run did not start",
    remedy:
      "the facts, or journalctl -u cutter-run@R -u cutter-prepare@R on the host, tell what was missing; pulumi up repairs what " +
      "the kit owns",
    exit: 10,
  },
  SURVEY_FACTS_INVALID: {
    summary: "the facts of the host do not have the shape the survey expects",
    remedy: "kit and release on the host may differ in version: pulumi up, then survey again",
    exit: 70,
  },
  SURVEY_FACTS_UNREADABLE: {
    summary: "the facts of the host could not be gathered",
    remedy: "the survey needs root on the host; look at the named step",
    exit: 10,
  },
} as const satisfies Record<string, CodeEntry>;
