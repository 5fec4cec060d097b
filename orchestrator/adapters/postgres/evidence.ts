// What all connections of a process did, one log per login: the proof that reading wrote nothing.
import type { ConnectionEvidence, LoginName } from "../../ports/database.ts";
import { openSameServer, type SameServer } from "./same-server.ts";

/** What all connections of one login did; the key of `assigned` is the transaction's number. */
export interface EvidenceLog {
  readonly login: LoginName;
  transactions: number;
  readonly assigned: Map<number, string>; // "unknown" until the transaction has answered
  readonly sameServer?: SameServer; // of the run; none: the connection stands for itself
}

/** Shared by whoever opens connections for one run, so that none is left out of its evidence. */
export interface EvidenceLogs {
  of(login: LoginName): EvidenceLog;
  all(): readonly ConnectionEvidence[];
  readonly sameServer: SameServer; // of all logins, the writing ones included
}

export function openEvidence(): EvidenceLogs {
  const logs = new Map<LoginName, EvidenceLog>();
  const sameServer = openSameServer();
  return {
    of: (login) => {
      const log = logs.get(login) ?? { login, transactions: 0, assigned: new Map<number, string>(), sameServer };
      logs.set(login, log);
      return log;
    },
    all: () =>
      [...logs.values()].map(({ login, transactions, assigned }) => ({
        login,
        transactions,
        transactionIdsAssigned: [...assigned.values()],
      })),
    sameServer,
  };
}
