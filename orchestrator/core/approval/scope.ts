// What an approval is bound to: one run, cutting one document as one plan says, on one host, by one release. Built here and nowhere else.

/** What the dry run settled. */
export interface RunScope {
  readonly runId: string; // the live run's, without .dryrun
  readonly documentId: string;
  readonly payloadSha: string;
}

/** Where it holds. */
export interface HostScope {
  readonly host: string; // host identity
  readonly releaseSha256: string; // of the release's manifest
}

export interface ApprovalScope extends RunScope, HostScope {}

/** As signed documents and the token spell it; sharedFields.scope in schema.ts is its schema. */
export interface ScopeFields {
  readonly run_id: string;
  readonly document_id: string;
  readonly payload_sha: string;
  readonly host: string;
  readonly release_sha256: string;
}

/** What a ruling is bound to besides. */
export interface RulingScope {
  readonly governancePrincipal: string | null; // null: nothing is pinned, the signer names it
  readonly rollbackRunbookSha256: string;
  readonly grantMatrixSha256: string;
}

/** Takes just the scope of values that hold more. Pure. */
export function toApprovalScope({ runId, documentId, payloadSha }: RunScope, { host, releaseSha256 }: HostScope): ApprovalScope {
  return { runId, documentId, payloadSha, host, releaseSha256 };
}

export function toScopeFields({ runId, documentId, payloadSha, host, releaseSha256 }: ApprovalScope): ScopeFields {
  return { run_id: runId, document_id: documentId, payload_sha: payloadSha, host, release_sha256: releaseSha256 };
}

export function fromScopeFields({ run_id, document_id, payload_sha, host, release_sha256 }: ScopeFields): ApprovalScope {
  return { runId: run_id, documentId: document_id, payloadSha: payload_sha, host, releaseSha256: release_sha256 };
}

/** `config` is the host's orchestrator.yaml. Pure. */
export function toRulingScope(
  config: { readonly governance_principal: string | null; readonly expected_grant_matrix_sha: string },
  rollbackRunbookSha256: string,
): RulingScope {
  return { governancePrincipal: config.governance_principal, rollbackRunbookSha256, grantMatrixSha256: config.expected_grant_matrix_sha };
}
