/**
 * @module
 * Transcripts of whole clusters: commands, and all that every node did after each. A transcript is one case.
 */

import { type Directive, parseDatadriven } from "../datadriven.ts";
import { type CaseFile, type CaseResult, type Form, passed } from "../form.ts";
import { Divergence } from "./divergence.ts";
import { TranscriptRun } from "./transcript-run.ts";

const logLine = /^\s*(?:DEBUG|INFO|WARN|ERROR|FATAL|NONE) /;

export const transcriptForm: Form = {
  name: "interaction transcripts",
  recognise: ({ text }) => directivesOf(text).length > 0,
  run: (file) => [runTranscript(file)],
};

/** Empty for a file of another form. */
function directivesOf(text: string): readonly Directive[] {
  const directives = parseDatadriven(text) ?? [];
  return directives.some(({ command }) => command === "add-nodes") ? directives : [];
}

/** Fails at the first command that is not answered as expected. */
function runTranscript({ path, text }: CaseFile): CaseResult {
  const run = new TranscriptRun();
  for (const directive of directivesOf(text)) {
    const where = `${path}:${directive.line} ${directive.command}`;
    try {
      const expected = structural(directive.expected.join("\n"));
      const got = structural(run.run(directive).join("\n"));
      if (expected !== got) return { kind: "failed", where, expected, got };
    } catch (error) {
      if (error instanceof Divergence) return { kind: "skipped", where, reason: error.message };
      const got = error instanceof Error ? error.message : String(error);
      return { kind: "failed", where, expected: structural(directive.expected.join("\n")), got };
    }
  }
  const notes = [...run.notes];
  return notes.length === 0 ? passed : { kind: "skipped", where: path, reason: notes.join("; ") };
}

/** What is left without log text, and without the word for "nothing to say". */
function structural(text: string): string {
  const lines = text.split("\n").filter((line) => !logLine.test(line) && line !== "ok" && line.trim() !== "");
  return lines.map((line) => line.trimEnd()).join("\n");
}
