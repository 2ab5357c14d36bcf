/**
 * @module
 * The tidy check sees what it is there for, and nothing else.
 */

import { expect } from "chai";
import { describe, it } from "mocha";
import { complaintsOf } from "../../scripts/tidy.ts";

const header = "/**\n * @module\n * What it knows.\n */\n";

function whys(file: string, text: string): readonly string[] {
  return complaintsOf(file, text).map(({ line, why }) => `${line}: ${why}`);
}

function lines(count: number): string {
  return "  step();\n".repeat(count);
}

describe("the tidy check", () => {
  it("is content with a tidy file", () => {
    const text = `${header}import type { Term } from "../raft/types.ts";\n\nexport function a(): Term {\n${lines(68)}}\n`;
    expect(whys("src/kv/a.ts", text)).to.deep.equal([]);
  });

  it("sees a file that is too long, and one without a header", () => {
    expect(whys("src/kv/a.ts", header + "\n".repeat(396))).to.deep.equal([]);
    expect(whys("src/kv/a.ts", header + "\n".repeat(397))).to.deep.equal(["401: 401 lines; a file has at most 400"]);
    expect(whys("src/kv/a.ts", "const a = 1;\n")).to.have.length(1);
    expect(whys("test/kv/a.test.ts", "const a = 1;\n")).to.deep.equal([]);
  });

  it("sees functions, methods and arrows that are too long, wherever their signature ends", () => {
    for (const opening of [
      "export function a(): void {",
      "async function a() {",
      "const a = (): void => {",
      "class A {\n  #a(b: string): void {",
      "function a(\n  b: string,\n): void {",
    ]) {
      const indentation = opening.startsWith("class") ? "  " : "";
      const of = (count: number): string => `${header}${opening}\n${lines(count)}${indentation}}\n`;
      expect(whys("src/kv/a.ts", of(68)), opening).to.deep.equal([]);
      expect(whys("src/kv/a.ts", of(69)).join(), opening).to.match(/^\d+: a function of 71 lines/);
    }
  });

  it("lets a describe and a loop be long", () => {
    expect(whys("test/kv/a.test.ts", `describe("a", () => {\n${lines(100)}});\n`)).to.deep.equal([]);
    expect(whys("src/kv/a.ts", `${header}if (a) {\n${lines(100)}}\n`)).to.deep.equal([]);
  });

  it("sees words that may not stay, in code and in comments", () => {
    const later = ["TO", "DO"].join("");
    const anything = ["a", "ny"].join("");
    const only = ["it.on", 'ly("a")'].join("");
    expect(whys("src/kv/a.ts", `${header}// ${later}: more\n`)).to.deep.equal(["5: something left for later"]);
    expect(whys("src/kv/a.ts", `${header}const a: ${anything} = 1;\n// a: ${anything} of them\n`)).to.deep.equal([
      "5: an any",
    ]);
    expect(whys("test/kv/a.test.ts", only)).to.deep.equal(["1: a test that hides the others"]);
  });

  it("sees code of a layer of which only types may be imported, and layers that may not be imported at all", () => {
    const from = (path: string, file: string): readonly string[] => whys(file, `${header}import ${path};\n`);
    expect(from('type { A } from "../raft/types.ts"', "src/storage/a.ts")).to.deep.equal([]);
    expect(from('{ a } from "../raft/types.ts"', "src/storage/a.ts")).to.deep.equal([
      "5: storage may not import code of raft",
    ]);
    expect(from('type { A } from "../../storage/a.ts"', "src/actors/raft/a.ts")).to.have.length(1);
    expect(from('{ a } from "../client/a.ts"', "src/errors/a.ts")).to.have.length(1);
    expect(from('{\n  a,\n} from "../client/a.ts"', "src/errors/a.ts")).to.have.length(1);
    expect(whys("src/cli/a.ts", `${header}const a = await import("../raft/step.ts");\n`)).to.have.length(1);
  });
});
