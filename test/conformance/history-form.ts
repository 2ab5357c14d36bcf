/**
 * @module
 * Histories of clients with a published verdict: whether our checker agrees.
 */

import { checkHistory } from "../../scripts/history/check.ts";
import { isHistory, publishedVerdict, readHistory } from "../../scripts/history/history-file.ts";
import { type CaseFile, type CaseResult, compared, type Form } from "./form.ts";

export const historyForm: Form = {
  name: "histories",
  recognise: ({ text }) => isHistory(text),
  run: ({ path, text }: CaseFile): CaseResult[] => {
    const { verdict } = checkHistory(readHistory(text));
    const published = publishedVerdict(path);
    if (published !== null) return [compared(path, published, verdict)];
    if (verdict === "undecided") return [compared(path, "a verdict", verdict)];
    return [
      {
        kind: "skipped",
        where: path,
        reason: `it is ${verdict}, and neither its name nor a README says what it should be`,
      },
    ];
  },
};
