// The pages for people who change the code name files and functions: each file is there, and each function is in its file.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const folder = "orchestrator/decisions";
const decisions = readdirSync(join(root, folder)).filter((name) => /^\d/.test(name));
const pages = [
  "CONTRIBUTING.md",
  "orchestrator/ARCHITECTURE.md",
  "orchestrator/GLOSSARY.md",
  `${folder}/README.md`,
  ...decisions.map((name) => `${folder}/${name}`),
];
const read = (path: string): string => readFileSync(join(root, path), "utf8");

/** A path of this repository: it begins with one of our folders, or with a room of orchestrator/, and has no placeholder. */
const isPath = (word: string): boolean => /^[A-Za-z0-9_.@/-]+\/[A-Za-z0-9_.@/-]*$/.test(word) && !/^[/.]|\.\.|@/.test(word);
/** As it stands, or below orchestrator/. */
const find = (path: string): string | undefined => [path, `orchestrator/${path}`].find((candidate) => existsSync(join(root, candidate)));

describe.each(pages)("%s", (page) => {
  const text = read(page);

  it("names only files and folders that are there", () => {
    const named = [...text.matchAll(/`([^`\s]+)`/g)].map(([, word]) => word ?? "").filter(isPath);
    const ours = named.filter((path) => !foreign.some((pattern) => pattern.test(path)));
    expect(ours.filter((path) => find(path) === undefined)).toEqual([]);
  });

  it("names after a file only functions and types that are in it", () => {
    const missing = [...text.matchAll(/`([^`\s]+\.(?:ts|mjs|sh))`((?: `[A-Za-z][A-Za-z0-9]*`)+)/g)].flatMap(([, path = "", names = ""]) => {
      const file = find(path);
      const code = file === undefined ? "" : read(file);
      return [...names.matchAll(/`(\w+)`/g)].flatMap(([, name]) => (new RegExp(`\\b${name}\\b`).test(code) ? [] : [`${path} ${name}`]));
    });
    expect(missing).toEqual([]);
  });

  it("names only npm scripts that are there", () => {
    const scripts = Object.keys((JSON.parse(read("package.json")) as { readonly scripts: object }).scripts);
    const named = [...text.matchAll(/npm run ([a-z][a-z0-9:-]*)/g)].map(([, name]) => name ?? "");
    expect(named.filter((name) => !scripts.includes(name))).toEqual([]);
  });

  it("links only to pages that are there", () => {
    const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, path]) => path ?? "");
    expect(links.filter((path) => !existsSync(resolve(root, dirname(page), path)))).toEqual([]);
  });

  it("has lines of at most 140 columns", () => {
    expect(text.split("\n").filter((line) => line.length > 140 && !line.startsWith("|"))).toEqual([]);
  });
});

it("the list of decisions has each of them once, by number and title, and the numbers have no hole", () => {
  const listed = read(`${folder}/README.md`).match(/^- .+$/gm) ?? [];
  const titles = decisions.map((name) => [name, ...(/^# (\d+)\. (.+)$/m.exec(read(`${folder}/${name}`)) ?? [])] as const);
  expect(listed.toSorted()).toEqual(titles.map(([name, , number, title]) => `- ${number} [${title}](${name})`).toSorted());
  expect(titles.map(([, , number]) => Number(number))).toEqual(decisions.map((_, index) => index + 1));
});

/** Words with a slash that are no files of this repository: of a release, of the host, of a checkout at work. */
const foreign = [/^bin\//, /^armed\/$/, /^live\/$/, /^approvals\//];
