/** Problems of the server by their code, in English. `{name}` is the project in the way. */
export const problems = {
  "problem.forbidden": "Your login does not allow this. Ask an admin for a token with more rights.",
  "problem.gsd_missing":
    "GSD is not installed, and the server has no command for a new milestone. Install GSD, or set [commands] in wxcode.toml.",
  "problem.name_taken": "This name is taken. Choose another one.",
  "problem.no_base": "Nothing is known to compare with: the milestone began before changes were recorded.",
  "problem.no_driver": "This window of the session has no input, or is gone. Choose another one.",
  "problem.node_changed": "Another server of the group took the project over meanwhile. Try again.",
  "problem.node_draining":
    "This server is being emptied and takes no new sessions. Use another server of the group, or end the drain with `wxcode drain --off`.",
  "problem.node_full":
    "This server has as many sessions as it may. End one, or use another server of the group.",
  "problem.node_unreachable":
    "The server of the group that has this project does not answer. Try again in a moment.",
  "problem.no_repository": "The workspace is in no git repository, so changes cannot be shown.",
  "problem.not_begun": "The milestone has not been started, so it changed nothing.",
  "problem.not_found": "This does not exist (any more). It may have been deleted.",
  "problem.not_pending": "This milestone is on its way to the agent: only a pending one can be edited.",
  "problem.not_queued": "This command is no longer in the queue. Queue another one instead.",
  "problem.record_unreadable": "A stored record cannot be read. See the server's log.",
  "problem.searches_busy": "Too many searches run at once. Try again in a moment.",
  "problem.too_many_changes": "Too much changed to be shown.",
  "problem.too_many_logins": "Too many failed logins. Try again in a minute.",
  "problem.transcript_missing": "The transcript of this conversation is gone.",
  "problem.transcripts_unavailable":
    "The folder of Claude Code's transcripts cannot be read. No conversation is given up; try again when it is back.",
  "problem.uploads_full": "This project's uploads are full. Delete some from its .wxcode/uploads folder.",
  "problem.workspace_missing":
    "The project's workspace folder is missing. Move it back, or choose another folder.",
  "problem.workspace_refused":
    "This folder cannot be a workspace. Choose a folder outside of the data folder and below the allowed roots.",
  "problem.workspace_taken": "The project “{name}” already works in this folder. Choose another one.",
  "problem.file_hangs": "The file system of this folder does not answer. Try again later.",
} as const;
