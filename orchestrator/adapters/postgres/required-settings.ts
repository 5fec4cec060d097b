// Settings that a login cannot pin may change under an open session: a superuser's ALTER SYSTEM and a reload reach it. So each transaction
// asks for them again as its last question.
import { isExpectedSetting, requiredSettings } from "../../core/database/session-settings.ts";
import { CutterError } from "../../core/errors.ts";

export const requiredSettingNames: readonly string[] = Object.keys(requiredSettings);

/** What sql/transaction-id.sql and sql/current-transaction-id.sql answer. */
export interface LastAnswer<Id> extends Record<string, unknown> {
  readonly id: Id;
  readonly settings: Readonly<Record<string, string | null>>;
}

/** @throws DATABASE_SETTING_REFUSED for the first one that is not ours any more */
export function requireSettingsStill(settings: LastAnswer<unknown>["settings"], login: string): void {
  const foreign = Object.entries(settings).find(([name, value]) => !isExpectedSetting(name, value));
  if (foreign === undefined) return;
  const [setting, found] = foreign;
  const source = "changed while the session was open";
  throw new CutterError("DATABASE_SETTING_REFUSED", {
    login,
    setting,
    expected: requiredSettings[setting] ?? "",
    found: found ?? "",
    source,
  });
}
