// Canonical addresses of units: grammar, and what they depend on.
//
//   address  = doc code "/" segment *5( "/" segment )          one segment per ancestor heading, at most 6 levels
//   segment  = slug [ "~" number ]                              number = 2, 3, …
//            | "~preamble" | "~document"                        the kit's own units; no title gives a segment with ~ first
//   slug     = 1–80 of a-z 0-9 and single inner hyphens
//
// Slug of a title: link targets and HTML tags are dropped, letters folded to ASCII (Unicode compatibility decomposition without its marks;
// đ, ø, ł, æ, œ, ß, … by table), lower-cased, every run of other characters becomes one hyphen. `Điều 5. Phạm vi` → `dieu-5-pham-vi`,
// in NFC and NFD alike. A title with letters or digits that have no ASCII form (概要) gets `-x` and 8 hex digits of its sha256 (of the NFC
// form); so does a slug cut at 80 bytes. A title of symbols only (🚀) is `x` and those digits; an empty title is `untitled`.
//
// What an address depends on, and nothing else: the document code; the slugs and numbers of the headings above it; its own slug; and how
// many EARLIER siblings (units with the same parent) have the same slug: the first bears the plain slug, the second ~2, and so on.
// Therefore:
//   - editing text anywhere without adding, removing or renaming a heading or changing a level changes no address;
//   - adding, removing or renaming a section changes no address outside its own subtree, if its slug is unique among its siblings
// and no heading thereby moves under another parent (a new heading takes the deeper headings that follow it up to the next of its level);
//   - a duplicate added behind its namesakes changes no other address; one added before them shifts the numbers of those behind it;
//   - moving a section among siblings of other names changes no address.
import { sha256Hex } from "../encoding/digest.ts";
import { CutterError } from "../errors.ts";

export const preambleSegment = "~preamble";
export const documentSegment = "~document";
export const slugBytesMax = 80;

const addressShape =
  /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?\/(?:~preamble|~document|[a-z0-9]+(?:-[a-z0-9]+)*(?:~[1-9][0-9]*)?(?:\/[a-z0-9]+(?:-[a-z0-9]+)*(?:~[1-9][0-9]*)?){0,5})$/;

/** Whether a text obeys the grammar above. */
export function isAddress(text: string): boolean {
  return addressShape.test(text) && !(text.split("/")[0] ?? "").includes("..");
}

/** Gives each section its address; call it in document order. */
export class AddressBook {
  readonly #docCode: DocCode;
  readonly #used = new Map<string, number>(); // how often parent + slug was given

  constructor(docCode: DocCode) {
    this.#docCode = docCode;
  }

  /** `parent`: address of the parent section, null at the top. Never gives the same address twice. */
  next(parent: string | null, title: string): string {
    const first = `${parent ?? this.#docCode}/${toSlug(title)}`;
    const number = (this.#used.get(first) ?? 0) + 1;
    this.#used.set(first, number);
    return number === 1 ? first : `${first}~${number}`;
  }
}

/** The slug of a title, as the grammar says. Total and deterministic; at most 80 bytes. */
export function toSlug(title: string): string {
  const text = title.replace(/\]\([^()]*\)/g, "]").replace(/<\/?[A-Za-z][^<>]*>/g, " ");
  const folded = fold(text);
  const slug = folded.replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  const toHashSlug = () => `x${sha256Hex(title.normalize("NFC")).slice(0, 8)}`;
  if (slug === "") return title.trim() === "" ? "untitled" : toHashSlug();
  const losesLetters = /[^\P{L}a-z]|[^\P{N}0-9]/u.test(folded);
  if (!losesLetters && slug.length <= slugBytesMax) return slug;
  return `${slug.slice(0, slugBytesMax - 10).replace(/-$/, "")}-${toHashSlug()}`;
}

/** Lower case, compatibility-decomposed, without combining marks, with ASCII for the Latin letters that do not decompose. */
function fold(text: string): string {
  const decomposed = text
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .toLowerCase();
  return decomposed.replace(/\p{M}+/gu, "").replace(/[^\0-\x7f]/gu, (letter) => latin[letter] ?? letter);
}

const latin: Readonly<Record<string, string>> = {
  đ: "d",
  ð: "d",
  ø: "o",
  ł: "l",
  ħ: "h",
  ŧ: "t",
  ı: "i",
  ŋ: "n",
  ß: "ss",
  æ: "ae",
  œ: "oe",
  þ: "th",
  ĸ: "k",
  ſ: "s",
};

const shape = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/;

/** A checked document code. Case counts. */
export type DocCode = string & { readonly __brand: "DocCode" };

/** @throws DOC_CODE_INVALID unless 1–64 characters of A-Z a-z 0-9 . _ - that start and end with a letter or digit, without `..`. */
export function parseDocCode(text: string): DocCode {
  if (!shape.test(text) || text.includes("..")) throw new CutterError("DOC_CODE_INVALID", { doc_code: text.slice(0, 80) });
  return text as DocCode;
}
