// How many lines each function of a TypeScript source has: the measure behind the rule of at most 70.
import ts from "typescript";

export interface FunctionLines {
  readonly name: string;
  readonly line: number;
  readonly lines: number;
}

/**
 * Every function of the text, in its order. A callback of `describe` and a shared contract (`itKeeps…`) only hold tests, so they are none.
 */
export function toFunctionLines(text: string): readonly FunctionLines[] {
  const source = ts.createSourceFile("source.ts", text, ts.ScriptTarget.Latest, true);
  const lineOf = (position: number): number => source.getLineAndCharacterOfPosition(position).line + 1;
  const found: FunctionLines[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && "body" in node && node.body !== undefined && !onlyHoldsTests(node)) {
      const line = lineOf(node.getStart(source));
      found.push({ name: toName(node), line, lines: lineOf(node.end) - line + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function onlyHoldsTests(node: ts.SignatureDeclaration): boolean {
  if (node.name !== undefined && node.name.getText().startsWith("itKeeps")) return true;
  return ts.isCallExpression(node.parent) && /^describe\b/.test(node.parent.expression.getText());
}

function toName(node: ts.SignatureDeclaration): string {
  if (node.name !== undefined) return node.name.getText();
  return ts.isVariableDeclaration(node.parent) ? node.parent.name.getText() : "(callback)";
}
