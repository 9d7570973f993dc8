// Keys as WebDriver has them: https://w3c.github.io/webdriver/#keyboard-actions.

/** Longest start of a browser, in milliseconds. */
export const START_MS = 90_000;
export const ENTER = "\uE007";
export const CONTROL = "\uE009";

/** Presses each key of a text, while others are held. */
export function keyActions(text, held = []) {
  const press = (value) => [
    { type: "keyDown", value },
    { type: "keyUp", value },
  ];
  return [
    ...held.map((value) => ({ type: "keyDown", value })),
    ...[...text].flatMap(press),
    ...held.map((value) => ({ type: "keyUp", value })),
  ];
}
