// The part of two untyped packages that the tests of mark use.
declare module "commonmark" {
  export interface Node {
    readonly type: string;
    readonly level: number;
    readonly parent: Node | null;
    readonly sourcepos: readonly [readonly [line: number, column: number], readonly [line: number, column: number]];
    walker(): { next(): { readonly entering: boolean; readonly node: Node } | null };
  }
  export class Parser {
    parse(text: string): Node;
  }
}

declare module "commonmark-spec" {
  const specification: {
    readonly text: string;
    readonly tests: readonly { readonly number: number; readonly section: string; readonly markdown: string; readonly html: string }[];
  };
  export default specification;
}
