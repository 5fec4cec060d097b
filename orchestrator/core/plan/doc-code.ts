// Document codes: the first part of every canonical address. The source registry's row supplies it; nobody derives it from a file name.
import { CutterError } from "../errors.ts";

const shape = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;

/** A checked document code. Case counts. */
export type DocCode = string & { readonly __brand: "DocCode" };

/** @throws DOC_CODE_INVALID unless 1–64 characters of A-Z a-z 0-9 . _ - that start and end with a letter or digit, without `..`. */
export function parseDocCode(text: string): DocCode {
  if (!shape.test(text) || text.includes("..")) throw new CutterError("DOC_CODE_INVALID", { doc_code: text.slice(0, 80) });
  return text as DocCode;
}
