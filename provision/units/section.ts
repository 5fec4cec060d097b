// The text form of a unit: sections of settings, one per line, in the order given.

/** Settings in order; a name may stand several times, and a list value gives one line each. */
export type Settings = Readonly<Record<string, string | readonly string[]>>;

/** Unit text with a first line that says whose it is, so that a person who edits it knows that `pulumi up` will put it back. */
export function toUnitText(purpose: string, sections: Readonly<Record<string, Settings>>): string {
  const blocks = Object.entries(sections).map(([name, settings]) => [`[${name}]`, ...toLines(settings)].join("\n"));
  return [`# ${purpose} Installed by pulumi up; an edit here is drift and is put back.`, ...blocks].join("\n\n").replace("\n\n", "\n") + "\n";
}

function toLines(settings: Settings): readonly string[] {
  return Object.entries(settings).flatMap(([name, value]) => (typeof value === "string" ? [value] : value).map((line) => `${name}=${line}`));
}
