/** Collects the answers to a question dialog. */
import type { Ask, Question, QuestionAnswer } from "../api/types";

/**
 * Whether the server can give the answer: not for an unknown dialog, nor for questions without a
 * hook.
 */
export function mayAnswer({ kind, dialog, questions, options }: Ask): boolean {
  return kind === "question" ? questions.length > 0 : dialog !== "other" && options.length > 0;
}

/** An answer so far. */
export interface Draft {
  options: readonly string[];
  text: string;
}

export const blank = (questions: readonly Question[]): Draft[] =>
  questions.map(() => ({ options: [], text: "" }));

/** Toggles an option, or takes it for a single-choice question. */
export function pick(question: Question, draft: Draft, label: string): Draft {
  if (!question.multi_select) return { options: [label], text: "" };
  const options = draft.options.includes(label)
    ? draft.options.filter((other) => other !== label)
    : question.options
        .map((option) => option.label)
        .filter((one) => one === label || draft.options.includes(one));
  return { ...draft, options };
}

/** Sets the free text; for a single-choice question the text replaces the option. */
export function write(question: Question, draft: Draft, text: string): Draft {
  const instead = !question.multi_select && text.trim() !== "";
  return { options: instead ? [] : draft.options, text };
}

/** The request body; `null` while a question has no answer. */
export function complete(drafts: readonly Draft[]): QuestionAnswer[] | null {
  const answers = drafts.map(({ options, text }) => ({
    options: [...options],
    text: text.trim() === "" ? null : text.trim(),
  }));
  return answers.every(({ options, text }) => options.length > 0 || text !== null) ? answers : null;
}
