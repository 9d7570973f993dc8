/** The parts of a project; on a narrow screen one shows at a time. */
export const PANES = ["terminal", "conversation", "milestones", "session"] as const;

export type Pane = (typeof PANES)[number];
