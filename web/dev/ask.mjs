// The pretend agent's dialogs, and their answers through the API.
import { Problem } from "./problem.mjs";

const none = { tool_name: null, tool_input: null, questions: [], options: [], selected: 0 };
const permission = (tool_name, tool_input, options) => ({
  ...none,
  kind: "permission",
  dialog: "permission",
  tool_name,
  tool_input,
  options,
});
const question = (...questions) => ({
  ...none,
  kind: "question",
  dialog: "question",
  questions,
  selected: null,
});
const colour = {
  question: "Which colour shall the button have?",
  header: "Colour",
  multi_select: false,
  options: [
    { label: "Green", description: "As on the old page" },
    { label: "Blue", description: "As in the new style guide, which is not binding yet" },
  ],
};
const browsers = {
  question: "Which browsers must work?",
  header: "Browsers",
  multi_select: true,
  options: [
    { label: "Chromium", description: "" },
    { label: "Firefox", description: "With its long-term release" },
    { label: "Safari", description: "" },
  ],
};

/** By the command that makes the agent ask. */
export const ASKS = {
  "/ask": () =>
    permission(
      "Bash",
      { command: "npm test -- --run login", description: "Run the tests of the login page" },
      ["Yes", "Yes, and don't ask again for npm test commands in this folder", "No"],
    ),
  "/edit": () =>
    permission(
      "Edit",
      {
        file_path: "/srv/projects/web-shop/src/login/form.ts",
        old_string: "const LIMIT = 3;",
        new_string: "/** Tries before the account is locked. */\nconst LIMIT = 5;",
      },
      ["Yes", "No"],
    ),
  "/question": () => question(colour),
  "/questions": () => question(colour, browsers),
  "/panel": () => ({ ...none, kind: "dialog", dialog: "other", options: ["One", "Two"] }),
};

export const TRUST = () => ({
  ...none,
  kind: "dialog",
  dialog: "trust_folder",
  options: ["No, exit", "Yes, I trust this folder"],
});

export const STATES = {
  permission: "waiting_permission",
  question: "waiting_question",
  dialog: "blocked_dialog",
};

/** An answer as a line of the agent's screen. */
export function words(ask, { id, option, answers }) {
  if (!ask || ask.id !== id)
    throw new Problem(409, "The agent does not ask this any more: look at what it asks now.");
  if (answers) {
    if (answers.length !== ask.questions?.length)
      throw new Problem(
        422,
        `answers must have one entry for each of the ${ask.questions?.length} questions.`,
      );
    return answers.map(({ options, text }) => [...options, ...(text ? [text] : [])].join(", ")).join(" · ");
  }
  if (!ask.options.includes(option))
    throw new Problem(422, `option must be one of ${ask.options.join(", ")}.`);
  return option;
}
