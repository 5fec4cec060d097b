// How old an approval may be, gate by gate. Two dates count: the one it says, and the one its signature carries.
import type { Approval, ApprovalGate } from "./schema.ts";
import { CutterError } from "../errors.ts";

const hourMs = 3_600_000;
const futureSecondsMax = 60;
export const rulingHoursMax = 24;

export const hoursMaxOfGate = { SG_1: 24, SG_2: 12, SG_3: 12, RULING: rulingHoursMax, REVERT: 12 } as const satisfies Record<
  ApprovalGate,
  number
>;

/** Too old for its gate, by the date it says itself: it can authorise nothing any more, whoever signed it. Pure. */
export function isOutdated({ gate, issued_at }: Pick<Approval, "gate" | "issued_at">, now: Date): boolean {
  return now.getTime() - Date.parse(issued_at) > hoursMaxOfGate[gate] * hourMs;
}

/**
 * Pure. At its limit to the millisecond an approval is still fresh. May be repeated later with another `now`: at a write gate it must.
 * @throws APPROVAL_FROM_FUTURE, APPROVAL_TOO_OLD, APPROVAL_TEXT_INVALID
 */
export function requireFresh(approval: Approval, signedAt: readonly Date[], now: Date): void {
  const hoursMax = hoursMaxOfGate[approval.gate];
  const issuedAt = new Date(approval.issued_at);
  for (const [field, date] of [["issued_at", issuedAt], ...signedAt.map((signed) => ["signature", signed] as const)] as const) {
    const facts = { gate: approval.gate, field, found: date.toISOString(), now: now.toISOString() };
    if (date.getTime() - now.getTime() > futureSecondsMax * 1000)
      throw new CutterError("APPROVAL_FROM_FUTURE", { ...facts, expected: `at most ${String(futureSecondsMax)} s ahead` });
    if (now.getTime() - date.getTime() > hoursMax * hourMs)
      throw new CutterError("APPROVAL_TOO_OLD", { ...facts, expected: `at most ${String(hoursMax)} h old` });
  }
  if (approval.gate !== "RULING") return;
  const expiresAt = new Date(approval.expires_at);
  const lastsMs = expiresAt.getTime() - issuedAt.getTime();
  if (lastsMs <= 0 || lastsMs > rulingHoursMax * hourMs) {
    throw new CutterError("APPROVAL_TEXT_INVALID", {
      reason: "lasts_too_long",
      field: "expires_at",
      expected: `after issued_at, by at most ${String(rulingHoursMax)} h`,
      found: approval.expires_at,
      issued_at: approval.issued_at,
    });
  }
  if (expiresAt <= now)
    throw new CutterError("APPROVAL_TOO_OLD", {
      reason: "expired",
      field: "expires_at",
      expected: "later than now",
      found: approval.expires_at,
      now: now.toISOString(),
    });
}
