/** A project's entries in the palette. */
import { endSession, startSession } from "../api/calls";
import { caller } from "../caller/caller.svelte";
import { t } from "../i18n/i18n";
import type { Command } from "../palette/commands";
import { changesHref, conversationHref, recordingHref } from "../route/route";
import { conversations } from "../session/conversation";
import { titleOf } from "../session/titles.svelte";
import type { ProjectLive } from "./live.svelte";

export function projectCommands(
  id: string,
  live: ProjectLive,
  open: (dialog: "settings" | "share") => void,
): Command[] {
  const kind = t("palette.action");
  const go = (href: string) => () => {
    location.hash = href;
  };
  const session = live.session;
  const running = session?.status === "running";
  const milestones = live.milestones
    .filter(({ status }) => status !== "pending")
    .map(({ id: milestone, element_name }) => ({
      id: milestone,
      title: `${element_name}: ${t("changes.title")}`,
      kind: t("palette.milestone"),
      run: go(changesHref(id, milestone)),
    }));
  const talks = (session ? conversations(session) : []).map(({ entry }) => ({
    id: `talk-${entry.id}`,
    title: `${t("session.conversation")}: ${titleOf(entry.id)}`,
    kind: t("palette.conversation"),
    run: go(conversationHref(id, { conversation: entry.id })),
  }));
  const act = (run: () => Promise<unknown>) => () => void run().finally(() => live.refresh());
  const end = { id: "end", title: t("session.end"), kind, run: act(() => endSession(id)) };
  const start = { id: "start", title: t("terminal.start"), kind, run: act(() => startSession(id)) };
  return [
    ...(caller.manages
      ? [
          { id: "settings", title: t("settings.title"), kind, run: () => open("settings") },
          { id: "share", title: t("share.open_dialog"), kind, run: () => open("share") },
        ]
      : []),
    { id: "talk", title: t("turn.title"), kind, run: go(conversationHref(id)) },
    { id: "recording", title: t("recording.title"), kind, run: go(recordingHref(id)) },
    ...(caller.operates ? [running ? end : start] : []),
    ...milestones,
    ...talks,
  ];
}
