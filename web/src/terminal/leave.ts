/** F6 leads out of the terminal and back; the agent's question is a stop on the way. */
interface Focusable {
  readonly focused: boolean;
  focus(): void;
}

export function leadOut(event: KeyboardEvent, screen: Focusable): void {
  if (event.key !== "F6" || event.defaultPrevented) return;
  const asks = document.getElementById("ask-title");
  const content = document.getElementById("content");
  const inAsk = asks?.closest("section")?.contains(document.activeElement) ?? false;
  if (screen.focused && !asks && content) {
    event.preventDefault();
    content.focus();
  } else if (!screen.focused && (inAsk || !asks)) {
    event.preventDefault();
    screen.focus();
  }
}
