// A Markdown fence that its content cannot close.

/** A fence longer than any run of backticks inside. */
export function toFence(content: string, language: string): readonly string[] {
  const longest = Math.max(2, ...[...content.matchAll(/`+/g)].map((match) => match[0].length));
  const fence = "`".repeat(longest + 1);
  return [`${fence}${language}`, content, fence];
}
