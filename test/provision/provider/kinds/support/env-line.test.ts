// One line of ours in somebody else's env file: every other byte stays, and the file's secrets never leave the host.
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toEnvLineEdit, type ByteEdit } from "../../../../../provision/provider/kinds/support/env-line.ts";
import { envLineKind } from "../../../../../provision/provider/kinds/env-line.ts";
import { localAddress, localContext, localHost, runLocalJob } from "../../../../support/hosts/local-host.ts";

const name = "BACKUP_GPG_FPR";
const fingerprint = "40D1B143DDED33E5FCBDC9C20F798400C1827467";
const other = "9F374FD8F1E6DDECA3040AC3727AF88D319DAB36";

function apply(content: Buffer, edit: ByteEdit | null): Buffer {
  if (edit === null) return content;
  return Buffer.concat([content.subarray(0, edit.offset), Buffer.from(edit.insert), content.subarray(edit.offset + edit.removeBytes)]);
}

describe("the edit", () => {
  const businessLine = fc.constantFrom(
    "",
    "# BACKUP_GPG_FPR goes here",
    "A=1",
    "DB_URL=postgres://u:p$a#b@h/d?x=y",
    'NOTE="two words"',
    "export FLAG=yes",
    "Ü='ä €'",
    "\r",
    "X_BACKUP_GPG_FPR=1",
  );
  const businessFile = fc
    .tuple(fc.array(businessLine, { maxLength: 8 }), fc.boolean())
    .map(([lines, newline]) => lines.join("\n") + (newline && lines.length > 0 ? "\n" : ""));

  it("adds, changes and removes the line, and removing it gives the very bytes from before", () => {
    fc.assert(
      fc.property(businessFile, (text) => {
        const before = Buffer.from(text);
        const added = apply(before, toEnvLineEdit(before, ".env", name, fingerprint));
        expect(
          added
            .toString()
            .split("\n")
            .filter((line) => line === `${name}=${fingerprint}`),
        ).toHaveLength(1);
        const changed = apply(added, toEnvLineEdit(added, ".env", name, other));
        expect(changed.toString()).toBe(added.toString().replace(fingerprint, other));
        expect(toEnvLineEdit(changed, ".env", name, other)).toBeNull();
        expect(apply(changed, toEnvLineEdit(changed, ".env", name, null)).equals(before)).toBe(true);
      }),
    );
  });

  it("of a line that stands more than once leaves the wanted one, and every other byte", () => {
    fc.assert(
      fc.property(
        businessFile,
        fc.array(fc.constantFrom(other, "", "hunter2"), { minLength: 1, maxLength: 3 }),
        fc.array(fc.constantFrom(other, "x"), { maxLength: 2 }),
        (text, above, below) => {
          const lines = (values: readonly string[]) => values.map((value) => `${name}=${value}\n`).join("");
          const business = text === "" || text.endsWith("\n") ? text : `${text}\n`;
          let content: Buffer = Buffer.from(`${lines(above)}${business}${name}=${fingerprint}\nZ=1\n${lines(below)}`);
          for (let edits = 0; edits <= above.length + below.length; edits += 1)
            content = apply(content, toEnvLineEdit(content, ".env", name, fingerprint));
          expect(content.toString()).toBe(`${business}${name}=${fingerprint}\nZ=1\n`);
        },
      ),
    );
  });

  it("refuses a line inside a value that is still open, in another form, or far too often", () => {
    const refusal = (text: string) => () => toEnvLineEdit(Buffer.from(text), ".env", name, fingerprint);
    expect(refusal(`${name}=${other}\n`.repeat(21))).toThrow(expect.objectContaining({ code: "ENV_NAME_DOUBLED" }));
    expect(refusal(`${name}=${other}\nA="open\n${name}=${other}\nend"\n`)).toThrow(expect.objectContaining({ code: "ENV_LINE_AMBIGUOUS" }));
    expect(refusal(`${name}=${other}\nexport ${name}=${other}\n`)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ENV_/) as string }),
    );
    expect(refusal(`A="open\n${name}=${other}\nend"\n`)).toThrow(expect.objectContaining({ code: "ENV_LINE_AMBIGUOUS" }));
    expect(refusal(`export ${name}=${other}\n`)).toThrow(expect.objectContaining({ code: "ENV_LINE_AMBIGUOUS" }));
  });
});

describe("the scripts, on a real file", () => {
  let folder: string;
  let path: string;
  const business = Buffer.from(`# business\nDB_PASSWORD='s3cr3t with = and #'\nexport A=x\nQ="a\\"b"\n\`odd\`\nÜ=ä\xff\n`, "latin1");
  const inputs = (file = path) => ({ host: localAddress, adopt: false, path: file, name, value: fingerprint }) as const;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ck-env-"));
    path = join(folder, "business.env");
    writeFileSync(path, business);
    chmodSync(path, 0o640);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("write the line, read it back, and remove it to the byte, with the file's mode kept", async () => {
    const resource = envLineKind.parseStored(inputs());
    expect(await resource.read(localHost)).toEqual({ state: "absent" });
    await resource.write(localContext);
    expect(readFileSync(path).equals(Buffer.concat([business, Buffer.from(`${name}=${fingerprint}\n`)]))).toBe(true);
    expect(await resource.read(localHost)).toEqual({ state: "present", inputs: inputs() });
    expect(statSync(path).mode & 0o777).toBe(0o640);
    await runLocalJob(resource.remove() ?? { script: "exit 1", args: [] });
    expect(readFileSync(path).equals(business)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o640);
  });

  it("bring a file without a last newline back to its bytes too", async () => {
    writeFileSync(path, "A=1");
    const resource = envLineKind.parseStored(inputs());
    await resource.write(localContext);
    expect(readFileSync(path, "utf8")).toBe(`A=1\n${name}=${fingerprint}`);
    await runLocalJob(resource.remove() ?? { script: "exit 1", args: [] });
    expect(readFileSync(path, "utf8")).toBe("A=1");
  });

  it("hand over a copy in which no value of the business can be read", async () => {
    const seen: string[] = [];
    const host = {
      ...localHost,
      run: async (...args: Parameters<typeof localHost.run>) => {
        const outcome = await localHost.run(...args);
        seen.push(outcome.stdout);
        return outcome;
      },
    };
    await envLineKind.parseStored(inputs()).read(host);
    const masked = Buffer.from(seen.join("").split("\n")[2] ?? "", "base64").toString("latin1");
    expect(masked).toHaveLength(business.length);
    expect(masked).not.toMatch(/s3cr3t|DB_PASSWORD|with|and/);
    expect(masked.split("\n")[1]).toBe("xxxxxxxxxxx='xxxxxx xxxx = xxx #'");
  });

  it("show a value that is no fingerprint as redacted: it may be a secret in the wrong place", async () => {
    writeFileSync(path, `${name}=hunter2hunter2\n`);
    expect(await envLineKind.parseStored(inputs()).read(localHost)).toMatchObject({ inputs: { value: "[REDACTED]" } });
  });

  it("show a line that stands twice as just that, and leave the one that is wanted", async () => {
    const lines = `${name}=hunter2hunter2\nA=1\n${name}=${fingerprint}\n`;
    writeFileSync(path, Buffer.concat([Buffer.from(lines), business]));
    const resource = envLineKind.parseStored(inputs());
    expect(await resource.read(localHost)).toMatchObject({ state: "present", inputs: { value: "(2 lines)" } });
    await resource.write(localContext);
    expect(readFileSync(path).equals(Buffer.concat([Buffer.from(`A=1\n${name}=${fingerprint}\n`), business]))).toBe(true);
    expect(await resource.read(localHost)).toEqual({ state: "present", inputs: inputs() });
  });

  it("refuse a symlink and a file that is not there", async () => {
    const link = join(folder, "link.env");
    symlinkSync(path, link);
    for (const unfit of [link, join(folder, "none.env")]) {
      await expect(envLineKind.parseStored(inputs(unfit)).read(localHost)).rejects.toMatchObject({ code: "ENV_FILE_UNFIT" });
    }
  });
});
