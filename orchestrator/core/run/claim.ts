// Another run's claim on a document: its SG_1 row, until that run is given up, reverted or closed out. Pure.

export interface DocumentClaimFacts {
  readonly unitsCreated: number;
  readonly unitsEnacted: number;
  readonly unitsRetired: number;
  readonly voided: boolean;
}

/** `closedOut`: the knowledge base holds that run's closeout document. A run that created nothing yet is open: it may be about to. */
export function isOpenClaim(claim: DocumentClaimFacts, closedOut: boolean): boolean {
  if (claim.voided) return false;
  if (claim.unitsCreated > 0 && claim.unitsRetired === claim.unitsCreated) return false;
  return !(claim.unitsCreated > 0 && claim.unitsEnacted === claim.unitsCreated && closedOut);
}
