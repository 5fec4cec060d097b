// Which codes a test names where it asserts: the check behind "each code is reached by a test".
import ts from "typescript";

/**
 * The codes that stand in a string, a template or a regular expression of the text, as whole words. A comment, and a fake that throws
 * the code (`new CutterError("CODE")`), prove nothing about the program, so they do not count.
 */
export function toNamedCodes(text: string): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (isText(node) && !isThrownByFake(node)) for (const [word] of node.getText().matchAll(/[A-Za-z][A-Za-z0-9_]{6,}/g)) found.add(word);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile("test.ts", text, ts.ScriptTarget.Latest, true));
  return found;
}

function isText(node: ts.Node): boolean {
  return (
    ts.isStringLiteralLike(node) ||
    ts.isRegularExpressionLiteral(node) ||
    ts.isTemplateHead(node) ||
    ts.isTemplateMiddleOrTemplateTail(node)
  );
}

function isThrownByFake(node: ts.Node): boolean {
  return ts.isNewExpression(node.parent) && node.parent.expression.getText() === "CutterError";
}
