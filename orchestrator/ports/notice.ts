// What somebody is told of a run that stopped: names and codes, nothing that could be secret.

export interface StopNotice {
  readonly runId: string;
  readonly code: string;
  readonly exitCode: number;
  readonly waitsOn: string | null;
}
