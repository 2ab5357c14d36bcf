import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { describe, it } from "mocha";
import { checkHistory } from "../../scripts/history/check.ts";
import { explain } from "../../scripts/history/explain.ts";
import { checkHistoryFile, publishedVerdict, readHistory } from "../../scripts/history/history-file.ts";
import { type Recorded, writeJsonLines } from "../../scripts/history/json-lines.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const published = join(process.env["BALSA_CONFORMANCE"] ?? join(root, "../shared/conformance"), "porcupine");

function jepsen(...lines: readonly string[]): string {
  return lines.map((line) => `INFO  jepsen.util - ${line.replaceAll(" :", "\t:")}\n`).join("");
}

function kv(...lines: readonly string[]): string {
  return lines.map((line) => `{:process ${line}}\n`).join("");
}

function verdictOf(text: string): string {
  return checkHistory(readHistory(text)).verdict;
}

describe("a Jepsen log of etcd", () => {
  it("is read line by line: what is answered, what is refused, what is nil", () => {
    const text = jepsen(
      ...["0 :invoke :read\tnil", "0 :ok :read\tnil", "1 :invoke :write\t3", "1 :ok :write\t3"],
      ...["0 :invoke :cas\t[3 4]", "1 :invoke :cas\t[9 1]", "1 :fail :cas\t[9 1]", "0 :ok :cas\t[3 4]"],
      ...["2 :invoke :write\t7", "2 :info :write\t:timed-out", "3 :invoke :read\tnil", "3 :fail :read\t:timed-out"],
      "4 :invoke :cas\t[4 5]",
    );
    const { operations, initial } = readHistory(text);
    const never = Number.POSITIVE_INFINITY;
    expect(initial).to.equal(null);
    expect(operations.map(({ process, action, from, to }) => [process, action, from, to])).to.deep.equal([
      ["0", { kind: "get", value: null }, 1, 2],
      ["1", { kind: "put", value: "3" }, 3, 4],
      ["0", { kind: "compareAndSet", expected: "3", value: "4", applied: true }, 5, 8],
      ["1", { kind: "compareAndSet", expected: "9", value: "1", applied: false }, 6, 7],
      ["2", { kind: "put", value: "7" }, 9, never],
      ["4", { kind: "compareAndSet", expected: "4", value: "5", applied: null }, 13, never],
    ]);
  });

  const malformed: readonly (readonly [string, string, RegExp])[] = [
    ["an end without a beginning", jepsen("0 :ok :read\tnil"), /^line 1: process 0 ends something/],
    [
      "a process in two places",
      jepsen("0 :invoke :read\tnil", "0 :invoke :read\tnil"),
      /^line 2: process 0 begins.*line 1/,
    ],
    [
      "another end",
      jepsen("0 :invoke :read\tnil", "0 :ok :write\t3"),
      /^line 2: process 0 ends a write, but began a read/,
    ],
    ["another line", `${jepsen("0 :invoke :read\tnil")}garbage\n`, /^line 2: "garbage" is no line of a Jepsen log/],
    ["a cas without two values", jepsen("0 :invoke :cas\t3", "0 :ok :cas\t3"), /^line 1: 3 is not \[expected new\]/],
    ["a read of nonsense", jepsen("0 :invoke :read\tnil", "0 :ok :read\tx"), /^line 2: "x" is neither a whole number/],
  ];
  for (const [what, text, message] of malformed) {
    it(`is refused with its line: ${what}`, () => {
      expect(() => readHistory(text)).to.throw(message);
    });
  }
});

describe("a key-value history of Porcupine", () => {
  it("begins with empty values, and pairs what is asked with what is answered", () => {
    const good = kv(
      ...[
        '0, :type :invoke, :f :get, :key "7", :value nil',
        '1, :type :invoke, :f :append, :key "7", :value "a \\"b\\""',
      ],
      ...['0, :type :ok, :f :get, :key "7", :value ""', '1, :type :ok, :f :append, :key "7", :value "a \\"b\\""'],
      ...['0, :type :invoke, :f :get, :key "7", :value nil', '0, :type :ok, :f :get, :key "7", :value "a \\"b\\""'],
    );
    expect(verdictOf(good)).to.equal("linearizable");
    expect(verdictOf(good.replace(/"a \\"b\\""\}\n$/, '""}\n'))).to.equal("not linearizable");
  });

  it("is refused with its line when an end is that of another key", () => {
    const text = kv('0, :type :invoke, :f :get, :key "1", :value nil', '0, :type :ok, :f :get, :key "2", :value ""');
    expect(() => readHistory(text)).to.throw(/^line 2: process 0 ends another operation than it began on line 1/);
  });
});

describe("a history in JSON lines", () => {
  const put: Recorded = { process: "c1", key: "a", do: "put", value: "x", from: 1, to: 2, outcome: "ok" };

  it("tells every kind of operation, in any order of lines", () => {
    const lines: readonly Recorded[] = [
      { process: "c2", key: "a", do: "get", value: "y", from: 5, to: 6, outcome: "ok", node: "n1", revision: 4 },
      {
        process: "c3",
        key: "a",
        do: "compareAndSet",
        expected: "x",
        value: "y",
        answer: true,
        from: 3,
        to: 4,
        outcome: "ok",
      },
      { process: "c3", key: "a", do: "delete", answer: true, from: 7, to: 8, outcome: "ok" },
      { process: "c4", key: "a", do: "get", value: null, from: 9, to: 10, outcome: "ok" },
      { process: "c5", key: "a", do: "put", value: "lost", from: 9, outcome: "unknown" },
      { process: "c6", key: "a", do: "put", value: "refused", from: 9, to: 10, outcome: "failed" },
      { process: "c7", key: "a", do: "get", from: 9, to: 10, outcome: "unknown" },
      put,
    ];
    expect(verdictOf(writeJsonLines(lines))).to.equal("linearizable");
    const seen: Recorded = { process: "c2", key: "a", do: "get", value: "refused", from: 11, to: 12, outcome: "ok" };
    expect(verdictOf(writeJsonLines([...lines, { ...seen, value: "lost" }]))).to.equal("linearizable");
    expect(verdictOf(writeJsonLines([...lines, seen]))).to.equal("not linearizable");
  });

  const malformed: readonly (readonly [string, RegExp])[] = [
    ['{"process"', /^line 2: not JSON/],
    ["[]", /^line 2: not a JSON object/],
    [
      JSON.stringify({ ...put, outcome: "maybe" }),
      /^line 2: "outcome" is "maybe"; it has to be one of ok, unknown, failed/,
    ],
    [JSON.stringify({ ...put, key: 7 }), /^line 2: "key" is 7; it has to be a text/],
    [JSON.stringify({ ...put, to: undefined }), /^line 2: "to" is missing; it has to be a number/],
    [JSON.stringify({ ...put, to: 0 }), /^line 2: it ends \(0\) before it begins \(1\)/],
    [JSON.stringify({ ...put, do: "delete", answer: 1 }), /^line 2: "answer" is 1; it has to be true or false/],
  ];
  for (const [line, message] of malformed) {
    it(`is refused with its line: ${line}`, () => {
      expect(() => readHistory(`${writeJsonLines([put])}${line}\n`)).to.throw(message);
    });
  }
});

describe("a history file", () => {
  it("is refused when it begins as none that is known", () => {
    expect(() => readHistory("once upon a time\n")).to.throw(/^line 1: this begins as no history that is known/);
    expect(() => readHistory("\n")).to.throw(/^this begins as no history/);
  });

  it("of those published gets the verdict that its publisher gives", function () {
    if (!existsSync(published)) {
      process.stdout.write(`  no published histories at ${published}; set BALSA_CONFORMANCE\n`);
      this.skip();
    }
    const startedAt = performance.now();
    const files = ["etcd", "kv"].flatMap((folder) =>
      readdirSync(join(published, folder)).map((name) => join(published, folder, name)),
    );
    const verdicts = new Map<string, number>();
    for (const file of files) {
      const { verdict, expected } = checkHistoryFile(file);
      expect(verdict, file).to.equal(expected);
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
    }
    expect([...verdicts.keys()]).to.have.members(["linearizable", "not linearizable"]);
    expect(performance.now() - startedAt, "ms").to.be.lessThan(10_000);
  });

  it("has no published verdict when neither its name nor a README gives one", () => {
    expect(publishedVerdict("/nowhere/c01-ok.txt")).to.equal("linearizable");
    expect(publishedVerdict("/nowhere/c01-bad.txt")).to.equal("not linearizable");
    expect(publishedVerdict("/nowhere/etcd_001.log")).to.equal(null);
    expect(publishedVerdict("/nowhere/book.jsonl")).to.equal(null);
  });

  it("that is not linearizable is explained by the key and the operations that contradict each other", () => {
    const lines: readonly Recorded[] = [
      { process: "c1", key: "good", do: "put", value: "x", from: 1, to: 2, outcome: "ok" },
      { process: "c1", key: "bad", do: "put", value: "old", from: 1, to: 2, outcome: "ok" },
      { process: "c1", key: "bad", do: "put", value: "new", from: 3, to: 4.5, outcome: "ok" },
      { process: "c2", key: "bad", do: "get", value: "old", from: 5, to: 6, outcome: "ok" },
    ];
    const words = explain(checkHistory(readHistory(writeJsonLines(lines))));
    expect(words.split("\n")).to.deep.equal([
      "not linearizable: 4 operations (0 of unknown outcome) on 2 keys, 3 configurations met",
      '  key "bad": these 2 cannot all be true, whatever the key held before them:',
      "  line  process  from  to      operation",
      '  3     c1       +0    +1.500  put "new"',
      '  4     c2       +2    +3      get -> "old"',
      '  in order can be put: put "new"',
      '  after that none of these fits: get -> "old"',
      "",
    ]);
  });
});

describe("check-history", () => {
  const main = join(root, "dist/scripts/history/main.js");

  it("exits 0, 1 or 2: linearizable, not, undecided or unreadable", () => {
    const directory = mkdtempSync(join(tmpdir(), "balsa-history-"));
    try {
      const put: Recorded = { process: "c1", key: "a", do: "put", value: "x", from: 1, to: 2, outcome: "ok" };
      const good = join(directory, "good.jsonl");
      const bad = join(directory, "wrong.jsonl");
      const broken = join(directory, "broken.jsonl");
      writeFileSync(good, writeJsonLines([put]));
      writeFileSync(bad, writeJsonLines([put, { ...put, do: "get", value: "y", from: 3, to: 4 }]));
      writeFileSync(broken, `${writeJsonLines([put])}{"process":1}\n`);
      const run = (...files: readonly string[]) =>
        spawnSync(process.execPath, [main, ...files], { encoding: "utf8", timeout: 15_000 });
      expect(run(good).status).to.equal(0);
      expect(run(good).stdout).to.match(/good\.jsonl .*\n {2}linearizable: 1 operations/);
      expect(run(good, bad, broken).status).to.equal(1);
      expect(run(good, broken).status).to.equal(2);
      expect(run(broken).stderr).to.match(/broken\.jsonl: line 2: "outcome" is missing/);
      expect(run().status).to.equal(2);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
