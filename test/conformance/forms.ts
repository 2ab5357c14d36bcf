/**
 * @module
 * The forms of cases that are known. A further one is added here and nowhere else.
 */

import { configurationForm } from "./configuration-form.ts";
import type { Form } from "./form.ts";
import { historyForm } from "./history-form.ts";
import { quorumForm } from "./quorum-form.ts";
import { transcriptForm } from "./transcript/transcript-form.ts";

export const forms: readonly Form[] = [quorumForm, configurationForm, transcriptForm, historyForm];
