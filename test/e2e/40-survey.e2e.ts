// The survey on the ready host: both sides agree, each repairable damage re-opens its gap, and it is proven to change nothing. Before up:
// 2-up.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Survey } from "../../orchestrator/core/survey/survey.ts";
import { npm, onHost, readCensus, sql } from "../support/e2e.ts";
import { ensureReady } from "../support/ready-host.ts";

const people = ["GAP-7", "GAP-8"];
const surveyOperator = async (): Promise<Survey> => JSON.parse((await npm("survey", "--stack", "sandbox", "--json")).output) as Survey;
const surveyHost = async (): Promise<Survey> => JSON.parse((await onHost("cutter survey --json")).stdout) as Survey;
const openIn = (survey: Survey): readonly string[] => survey.gaps.filter(({ state }) => state === "open").map(({ id }) => id);

/** Every path of the host with mode, owner, size and time of change, but for what the system itself writes by being looked at. */
const readTree = async () =>
  (
    await onHost(
      "find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /var/tmp -o -path /var/log -o -path " +
        "/var/lib/docker -o -path /var/lib/containerd \\) -prune -o -printf '%p %y %m %u %g %s %T@ %l\\n' | sort; find " +
        "/run/cutter -printf '%p %y %m %u %g\\n' | sort", // the credentials of what tries the logins come and go
    )
  ).stdout;

describe("after pulumi up", () => {
  beforeAll(ensureReady);

  it("GAP-1 to GAP-6 are closed, 7 and 8 are people's; both sides say the same with the same evidence", async () => {
    const [operator, host] = [await surveyOperator(), await surveyHost()];
    expect(openIn(operator)).toEqual(people);
    expect(host.gaps).toEqual(operator.gaps);
    expect(host.host.machine_identity).toBe(operator.host.machine_identity);
    expect(operator.execution).toMatchObject({ enabled: false, state: "off" });
  });

  it("the four forms come from both sides, and the page is a file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "survey-"));
    expect((await npm("survey", "--stack", "sandbox", "--markdown")).output).toContain("## 6. Readiness gap list (exact)");
    expect((await onHost("cutter survey --markdown")).stdout).toContain("| AGENT_DATA_API_KEY | AGENT_DATA_API_TOKEN |");
    expect((await npm("survey", "--stack", "sandbox", "--html", join(folder, "survey.html"))).code).toBe(0);
    expect(existsSync(join(folder, "survey.html"))).toBe(true);
    expect(readFileSync(join(folder, "survey.html"), "utf8")).toContain('<h2 id="s6">7. Result</h2>');
    rmSync(folder, { recursive: true });
    expect((await npm("survey", "--stack", "sandbox", "--json", "--markdown")).code).toBe(2);
  });

  it("changes nothing: not a file of the host, not a row, not a transaction id", async () => {
    await surveyOperator(); // whatever the first look warms up
    const look = async () => ({
      tree: await readTree(),
      census: await readCensus(),
      xid: await sql("select pg_snapshot_xmax(pg_current_snapshot())"),
    });
    const before = await look();
    await surveyOperator();
    await surveyHost();
    expect(await look()).toEqual(before);
  });

  it("tells no value of a secret, in any form", async () => {
    const secret = (
      await onHost("sed -n \"s/^DOT_CUTTER_EXEC_DB_PASSWORD='\\{0,1\\}\\([^']*\\)'\\{0,1\\}$/\\1/p\" /opt/incomex/docker/.env")
    ).stdout.trim();
    expect(secret.length).toBeGreaterThan(10);
    for (const form of ["--json", "--markdown"]) expect((await npm("survey", "--stack", "sandbox", form)).output).not.toContain(secret);
  });
});

describe("after a damage that up repairs", () => {
  beforeAll(ensureReady);
  afterAll(ensureReady);

  const restore = [
    "cp -a /run/damaged/cutter-root.mjs /opt/cutter/current/bin/",
    "cp -a /run/damaged/cutter-run@.service /etc/systemd/system/",
    "cp -a /run/damaged/.env /opt/incomex/docker/",
    "cp -a /run/damaged/orchestrator.yaml /run/damaged/rollback_runbook.sql /etc/cutter/",
    "rm -rf /run/damaged",
    "[ -d /var/lib/cutter/locks ] || install -d -m 0700 -o cutter -g cutter /var/lib/cutter/locks",
    "systemctl start cutter-dump.socket",
  ].join("; ");
  const keep =
    "mkdir -p /run/damaged; cp -a -t /run/damaged /opt/cutter/current/bin/cutter-root.mjs " +
    "/etc/systemd/system/cutter-run@.service /opt/incomex/docker/.env /etc/cutter/orchestrator.yaml " +
    "/etc/cutter/rollback_runbook.sql";

  // Exactly these gaps are open, so each line also proves that the damage before it was put right again.
  it.each<[string, readonly string[], string]>([
    ["a changed release file", ["GAP-1"], "echo '// x' >> /opt/cutter/current/bin/cutter-root.mjs"],
    ["an edited unit", ["GAP-2"], "sed -i s/NoNewPrivileges=yes/NoNewPrivileges=no/ /etc/systemd/system/cutter-run@.service"],
    ["a stopped socket", ["GAP-2"], "systemctl stop cutter-dump.socket"],
    ["a lost fingerprint line", ["GAP-3"], "sed -i /^BACKUP_GPG_FPR=/d /opt/incomex/docker/.env"],
    [
      "an unpinned governance principal",
      ["GAP-4", "GAP-5"],
      "sed -i 's/^governance_principal: .*/governance_principal: null/' /etc/cutter/orchestrator.yaml",
    ],
    ["a deleted directory", ["GAP-5"], "rm -rf /var/lib/cutter/locks"],
    ["an edited config", ["GAP-5"], "echo '# by hand' >> /etc/cutter/orchestrator.yaml"],
    ["a replaced runbook", ["GAP-6"], "echo 'select 1;' > /etc/cutter/rollback_runbook.sql"],
    ["nothing at all", [], "true"],
  ])("%s opens %j", async (_what, gaps, damage) => {
    await onHost(`${keep}; ${damage}`);
    const survey = await surveyOperator();
    await onHost(restore);
    expect(openIn(survey)).toEqual([...gaps, ...people]);
  });
});
