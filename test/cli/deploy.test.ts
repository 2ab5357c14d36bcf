/**
 * @module
 * The files under scripts/deploy say only what is so: paths, settings, ports and routes are held against the project.
 */

import { existsSync, readFileSync } from "node:fs";
import { expect } from "chai";
import { describe, it } from "mocha";
import { flagOf, variableOf } from "../../src/cli/command/setting.ts";
import { serveSettings } from "../../src/cli/command/settings.ts";
import { routeOf } from "../../src/http/route.ts";

const root = new URL("../../../", import.meta.url);
const names = ["Dockerfile", "Dockerfile.dockerignore", "compose.yaml", "kubernetes.yaml", "README.md"] as const;

function read(path: string): string {
  return readFileSync(new URL(path, root), "utf8");
}

const files = Object.fromEntries(names.map((name) => [name, read(`scripts/deploy/${name}`)]));
const dockerfile = (files["Dockerfile"] ?? "").split("\n");
const manifest = JSON.parse(read("package.json")) as { bin: { balsa: string }; scripts: Record<string, string> };

function instructions(name: string): readonly string[] {
  return dockerfile.filter((line) => line.startsWith(`${name} `)).map((line) => line.slice(name.length + 1));
}

describe("the Dockerfile", () => {
  it("copies what is there, and what its ignore file lets through", () => {
    const allowed = (files["Dockerfile.dockerignore"] ?? "")
      .split("\n")
      .filter((line) => line.startsWith("!"))
      .map((line) => line.slice(1));
    const copied = instructions("COPY")
      .filter((line) => !line.startsWith("--from"))
      .flatMap((line) => line.split(" ").slice(0, -1));
    expect(copied).to.have.members(allowed);
    for (const source of copied) expect(existsSync(new URL(source, root)), source).to.equal(true);
  });

  it("takes over into the image what the build stage has: sources of it, or made there", () => {
    const made = ["node_modules", "dist"];
    for (const line of instructions("COPY").filter((text) => text.startsWith("--from"))) {
      const [, path = ""] = /^--from=build \/build\/(\S+) \.\/\S*$/.exec(line) ?? [];
      expect(made.includes(path) || existsSync(new URL(path, root)), line).to.equal(true);
    }
  });

  it("builds a project that exists and starts the binary of package.json", () => {
    const [, project = ""] = /tsc -b (\S+)/.exec(instructions("RUN").join("\n")) ?? [];
    expect(existsSync(new URL(`${project}/tsconfig.json`, root)), project).to.equal(true);
    const [entry = "[]"] = instructions("ENTRYPOINT");
    const [workdir = ""] = instructions("WORKDIR").slice(-1);
    expect(JSON.parse(entry)).to.deep.equal(["node", `${workdir}/${manifest.bin.balsa}`]);
    expect(files["kubernetes.yaml"]).to.include(`exec node ${workdir}/${manifest.bin.balsa} serve`);
  });

  it("runs as the user that the other files name", () => {
    expect(instructions("USER")).to.deep.equal(["1000:1000"]);
    expect(files["kubernetes.yaml"]).to.match(/runAsUser: 1000\n +runAsGroup: 1000\n +fsGroup: 1000\n/);
  });
});

describe("what is deployed", () => {
  const settings = new Map(serveSettings.map((setting) => [variableOf(setting), setting]));
  /** Of the tools that the pages call. */
  const foreignFlags = ["--json", "--build", "--rm", "--from", "--from-literal", "--replicas", "--omit"];

  for (const name of names) {
    it(`sets only what a node can be told: ${name}`, () => {
      const text = files[name] ?? "";
      const flags = [...serveSettings.map(flagOf), ...foreignFlags];
      for (const [flag] of text.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)) expect(flags, flag).to.include(flag);
      // That one is another's: Kubernetes makes it.
      for (const [variable] of text.matchAll(/\bBALSA_(?!CLIENT_PORT\b)[A-Z_]+/g)) {
        expect([...settings.keys()], variable).to.include(variable);
      }
    });

    it(`names only the ports that the image exposes: ${name}`, () => {
      const published = ["8092", "8093"];
      const known = [...instructions("EXPOSE").join(" ").split(" "), ...published];
      for (const [port] of (files[name] ?? "").matchAll(/\b[89]09\d\b/g)) expect(known, port).to.include(port);
    });
  }

  it("listens outside loopback only where it says that this is meant, and then tells others a name", () => {
    for (const name of ["compose.yaml", "kubernetes.yaml"] as const) {
      expect(files[name]).to.match(/BALSA_HTTP\b.*0\.0\.0\.0:8091/);
      expect(files[name]).to.match(/BALSA_INSECURE\b.*"true"/);
      expect(files[name]).to.match(/BALSA_ADVERTISE_HTTP\b.*:8091/);
      expect(files[name]).to.match(/BALSA_ADVERTISE_RAFT\b.*:9091/);
    }
  });

  it("is probed at routes that exist, and given the time to close that a node takes", () => {
    const probes = [...(files["kubernetes.yaml"] ?? "").matchAll(/path: (\/\S+), port: http/g)].map(([, path]) => path);
    expect(probes).to.deep.equal(["/livez", "/livez", "/readyz"]);
    for (const path of [...probes, "/readyz"]) expect(routeOf(path ?? "")?.methods).to.include("GET");
    const graceS = Number(/terminationGracePeriodSeconds: (\d+)/.exec(files["kubernetes.yaml"] ?? "")?.[1]);
    expect(graceS).to.be.above(10);
    expect(Number(/stop_grace_period: (\d+)s/.exec(files["compose.yaml"] ?? "")?.[1])).to.be.above(10);
  });

  it("has one node that may begin, in each place, and only when it is asked for", () => {
    expect(files["compose.yaml"]?.match(/^ +BALSA_BOOTSTRAP:/gm)).to.have.length(1);
    expect(files["compose.yaml"]).to.include(["BALSA_BOOTSTRAP: $", "{BALSA_BOOTSTRAP:-false}"].join(""));
    expect(files["kubernetes.yaml"]).to.include(
      "configMapKeyRef: { name: balsa-bootstrap, key: node, optional: true }",
    );
  });
});
