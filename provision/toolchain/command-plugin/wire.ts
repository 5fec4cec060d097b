// Values as the engine sends them: secrets are wrapped, unknown values are a sentinel. Reads through both.

/** What an input that is not known during a preview looks like on the wire. */
export const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
const outputSignature = "d0e6a833031e9bbcd3f4e8bde6ca49a4";

export type Properties = Readonly<Record<string, unknown>>;

/** The same value without secret and output wrappers, at any depth. An output without a value is unknown. */
export function unwrapped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrapped);
  if (!isRecord(value)) return value;
  const signature = value[signatureKey];
  if (signature === secretSignature) return unwrapped(value.value);
  if (signature === outputSignature) return "value" in value ? unwrapped(value.value) : unknownValue;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, unwrapped(inner)]));
}

/** True when anything inside is marked secret. */
export function holdsSecret(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(holdsSecret);
  if (!isRecord(value)) return false;
  if (value[signatureKey] === secretSignature || (value[signatureKey] === outputSignature && value.secret === true)) return true;
  return Object.values(value).some(holdsSecret);
}

/** `value`, marked secret for the engine's state. */
export function asSecret(value: unknown): Properties {
  return { [signatureKey]: secretSignature, value };
}

/** Equal once wrappers are gone and absent and null are one. An unknown value equals nothing but another unknown one. */
export function isSame(left: unknown, right: unknown): boolean {
  return canonical(unwrapped(left)) === canonical(unwrapped(right));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function canonical(value: unknown): string {
  return JSON.stringify(value ?? null, (_key, inner: unknown) => {
    if (!isRecord(inner)) return inner;
    return Object.fromEntries(
      Object.entries(inner)
        .filter(([, field]) => field !== undefined && field !== null)
        .toSorted(([a], [b]) => (a < b ? -1 : 1)),
    );
  });
}
