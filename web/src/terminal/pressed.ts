/** What the user pressed in the terminal: the address of a link, or a place in a file. */
export interface Pressed {
  kind: "link" | "place";
  text: string;
}
