/** The obstacles and failures of commands by their code, in English. `{detail}` is in the server's words. */
export const reasons = {
  "delivery.error.agent_ended": "The agent ended before it took the command. Start it again and retry.",
  "delivery.error.cancelled": "Cancelled.",
  "delivery.error.conversation_held":
    "Another Claude process runs this conversation. End it, then start the session again.",
  "delivery.error.declined": "Claude Code did not carry the command out: {detail}",
  "delivery.error.dialog": "A dialog is open: {detail}",
  "delivery.error.draft": "Other text stands in the prompt. Send or clear it; the command follows by itself.",
  "delivery.error.elsewhere": "The conversation goes on elsewhere: {detail}",
  "delivery.error.hook_refused": "A hook of yours refused the command: {detail}",
  "delivery.error.in_run": "A run is in progress. Wait for its end, or stop it.",
  "delivery.error.keyboard": "Somebody is typing. The command follows by itself.",
  "delivery.error.milestone_gone": "The command's milestone is finished or deleted.",
  "delivery.error.no_hooks": "Claude Code runs no hooks of wxcode: {detail}",
  "delivery.error.no_prompt":
    "The agent's screen has no prompt. Close what stands there; the command follows by itself.",
  "delivery.error.no_room": "All sessions are in use. The command starts when one ends.",
  "delivery.error.not_alone":
    "The command was typed but does not stand alone in the prompt. Look at the terminal before you retry.",
  "delivery.error.not_read": "The agent did not read the command. Look at the terminal before you retry.",
  "delivery.error.not_ready": "The agent did not become ready. Look at the terminal and retry.",
  "delivery.error.not_reported":
    "The agent did not report the command. It is unknown, or Claude Code carries it out itself and it may have taken effect. Look at the terminal before you retry.",
  "delivery.error.not_taken": "The agent did not take the command. Look at the terminal and retry.",
  "delivery.error.start_failed": "The agent could not start: {detail}",
  "delivery.error.usage_limit": "The account's usage limit is reached. The command follows after the reset.",
  "delivery.error.workspace_missing":
    "The project's folder is missing. Move it back, or choose another folder.",
} as const;
