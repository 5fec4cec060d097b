// What the survey repeats of the programme itself: which phases mutate what, which approvals there are, what each role is for. Fixed by
// contract.
import { phaseNames } from "../phase-names.ts";

const mutations: Readonly<Record<(typeof phaseNames)[number], readonly [mutates: string, target: string]>> = {
  source_pin: ["no", "read-only discovery"],
  mark: ["no", "compute (candidate marking)"],
  cutplan: ["no", "compute (cut plan)"],
  pre_write_backup: ["filesystem", "GPG-encrypted narrow pg_dump artifact (sha-pinned)"],
  grant_probe: ["no", "read-only grant-matrix probe"],
  cut_leg_a: ["DB", "fn_iu_create → information_unit, unit_version (role cutter_exec)"],
  structural_verify: ["no", "compute and read-back"],
  leg_b_record: ["DB", "cutter_governance: cut_change_set, manifest_envelope, dot_pair_signature (the governance principal)"],
  write_verify: ["DB", "cutter_governance.verify_result (role cutter_verify)"],
  lifecycle_enact: ["DB", "fn_iu_enact → iu_lifecycle_log and lifecycle state (role cutter_exec)"],
  closeout: ["no", "reporting only"],
};

export const phaseMutations = phaseNames.map((name, index) => ({
  number: index + 1,
  name,
  mutates: mutations[name][0],
  target: mutations[name][1],
}));

export const approvalLayers = {
  layer_1_kill_switch: {
    what: "a reviewed flip of orchestrator.__execution_enabled__, scoped to one run, re-disabled afterwards",
    authority: "architectural ruling and sovereign",
  },
  layer_2_sovereign_gates: {
    SG_1:
      "cut authorisation: sovereign-signed document in the KB, binds (gate, run_id, payload_sha), fresh review_decision UUID, " +
      "at most 24 h old",
    SG_2: "lifecycle authorisation: the same, at most 12 h old, may be batched",
    SG_3: "failure escalation: raised only on failure",
  },
  layer_3_internal_gates: {
    count: phaseNames.length,
    rule: "each passes by itself given a KB receipt: a run that did not upload its phase document did not happen",
  },
  force_option: "none; --mode live without a valid SG_1 document refuses with a non-zero exit",
} as const;

export const rolePurposes = [
  { name: "context_pack_readonly", login: true, purpose: "live read-only discovery" },
  { name: "cutter_exec", login: true, purpose: "canonical IU writer; EXECUTE on 2 canonical functions" },
  { name: "cutter_verify", login: true, purpose: "verifier; select/insert on verify_result" },
  { name: "cutter_ro", login: false, purpose: "non-login guard principal (cannot write, by design)" },
  { name: "cutter_revert", login: true, purpose: "emergency revert; retires the units of one run" },
  { name: "directus_secdef", login: true, purpose: "governance principal proposed by DQ_4" },
] as const;
