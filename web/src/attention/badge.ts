/** The number of waiting projects in the icon of the tab. */

/** Above this the icon shows a plus. */
const SHOWN_MAX = 9;

/** The page's icon with a number in its corner, as a `data:` address; `null` for none. */
export function badge(count: number): string | null {
  if (count <= 0) return null;
  const text = count > SHOWN_MAX ? `${SHOWN_MAX}+` : String(count);
  const svg =
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">' +
    '<rect width="32" height="32" rx="8" fill="#0f6b63"/>' +
    '<path d="M6 10l5 5-5 5" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"/>' +
    '<circle cx="21" cy="21" r="11" fill="#b3261e"/>' +
    `<text x="21" y="26.5" font-family="sans-serif" font-size="${text.length > 1 ? 12 : 16}" font-weight="700" text-anchor="middle" fill="#fff">${text}</text>` +
    "</svg>";
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

/** Shows the number in the icon of this tab. */
export function showBadge(count: number, page: Document = document): void {
  const icon = page.querySelector<HTMLLinkElement>('link[rel="icon"]');
  if (!icon) return;
  icon.dataset.plain ??= icon.href;
  icon.href = badge(count) ?? icon.dataset.plain;
}

/** A page's title with the number in front. */
export const titled = (title: string, count: number): string => (count > 0 ? `(${count}) ${title}` : title);
