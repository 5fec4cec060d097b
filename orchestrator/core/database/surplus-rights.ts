// Rights a principal holds beyond its duties, read from the lines of the grant matrix (PRINCIPAL_TOO_STRONG, decision 31). Pure.
import type { OrchestratorConfig } from "../config-schema.ts";

export interface Surplus {
  readonly principal: string;
  readonly lines: readonly string[]; // of the matrix, in its order
}

/** Everybody may come in and look into schemas; that alone gives nothing. */
const entrance = [/^(?:connect|temporary) on database \S+$/, /^usage on schema \S+$/];

const governanceDuty = [
  /^(?:select|insert) on table cutter_governance\.(?:review_decision|cut_change_set|manifest_envelope|dot_pair_signature)$/,
];
const revertDuty = [
  /^select on table (?:public\.(?:information_unit|unit_version|iu_lifecycle_log)|cutter_governance\.(?:review_decision|source_document_registry|source_document_version_registry))$/,
  /^update on column public\.information_unit\.(?:lifecycle_state|updated_at)$/,
  /^insert on column public\.iu_lifecycle_log\.(?:unit_id|from_state|to_state|run_id|review_decision_id|idempotency_key)$/,
];
const dutiesOfRoles: Readonly<Record<string, readonly RegExp[]>> = {
  context_pack_readonly: [/^select on (?:table|view|materialized view|foreign table|column) \S+$/],
  cutter_exec: [/^execute on security definer function public\.fn_iu_(?:create|enact)\(/],
  cutter_verify: [/^(?:select|insert) on table cutter_governance\.verify_result$/],
  cutter_ro: [],
};

/**
 * One entry for each principal that holds more than its duties: rights, role attributes, memberships, ownership, defaults, grant options.
 * What PUBLIC holds is not a principal's own.
 */
export function toSurplusRights(
  matrixText: string,
  config: Pick<OrchestratorConfig, "governance_principal" | "revert_principal">,
): readonly Surplus[] {
  const principals = new Set([
    ...Object.keys(dutiesOfRoles),
    ...[config.governance_principal, config.revert_principal].filter((name) => name !== null),
  ]);
  const lines = matrixText.split("\n");
  return [...principals].sort().flatMap((principal) => {
    const duties = [
      ...entrance,
      ...(dutiesOfRoles[principal] ?? []),
      ...(principal === config.governance_principal ? governanceDuty : []),
      ...(principal === config.revert_principal ? revertDuty : []),
    ];
    const surplus = lines.filter((line) => isSurplus(line, principal, duties));
    return surplus.length === 0 ? [] : [{ principal, lines: surplus }];
  });
}

function isSurplus(line: string, principal: string, duties: readonly RegExp[]): boolean {
  if (line.startsWith(`role ${principal} `)) return !/^role \S+ (?:login|nologin)$/.test(line) && line !== `role ${principal} absent`;
  if (line.startsWith(`member ${principal} of `) || line.startsWith(`owner ${principal} of `)) return true;
  if (line.startsWith("default ")) return line.endsWith(` to ${principal}`) || line.endsWith(` to ${principal} with grant option`);
  const granted = /^grant (.+) to (\S+)( with grant option)?$/.exec(line);
  if (granted === null || granted[2] !== principal) return false;
  return granted[3] !== undefined || !duties.some((duty) => duty.test(granted[1] ?? ""));
}
