// What each login must be refused: everything on the tables in scope and the canonical functions but what its role is for.
import type { DatabaseContract } from "./contract.ts";

export interface ForbiddenAction {
  readonly login: "context_pack_readonly" | "cutter_exec" | "cutter_verify" | "governance";
  readonly verb: "insert" | "update" | "delete" | "execute";
  readonly object: string; // schema-qualified table or function
}

/**
 * The rule is the contract's list of needed rights: a write or an EXECUTE that is not needed is forbidden. `governancePrincipal` null
 * leaves that login out; when it is cutter_exec, both names are one role and share what either needs. Pure.
 */
export function toForbiddenActions(contract: DatabaseContract, governancePrincipal: string | null): readonly ForbiddenAction[] {
  const logins = (["context_pack_readonly", "cutter_exec", "cutter_verify", "governance"] as const).filter(
    (login) => login !== "governance" || governancePrincipal !== null,
  );
  const tables = [...contract.tables.map(({ name }) => name), ...contract.decoys];
  const actions = [
    ...tables.flatMap((object) => (["insert", "update", "delete"] as const).map((verb) => ({ verb, object }))),
    ...contract.functions.map(({ name }) => ({ verb: "execute" as const, object: name })),
  ];
  return logins.flatMap((login) => {
    const names = toNames(login, governancePrincipal);
    const needed = new Set(
      contract.rights
        .filter(({ principal }) => names.has(principal))
        .map(({ privilege, object }) => `${privilege.toLowerCase()} ${object}`),
    );
    return actions.filter(({ verb, object }) => !needed.has(`${verb} ${object}`)).map((action) => ({ login, ...action }));
  });
}

/** Names under which the contract speaks of the role behind this login. */
function toNames(login: ForbiddenAction["login"], governancePrincipal: string | null): ReadonlySet<string> {
  if (login === "governance") return new Set(["governance", governancePrincipal ?? "governance"]);
  return login === governancePrincipal ? new Set([login, "governance"]) : new Set([login]);
}
