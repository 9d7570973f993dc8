import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Feed, FeedHandlers } from "./feed";
import { type Around, DEAF_MS, Hub, type Stream } from "./hub";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A browser: tabs with one channel and one lock. */
class Browser {
  tabs: Tab[] = [];
  holder: { fail: (error: Error) => void } | null = null;
  waiting: (() => void)[] = [];

  lock(lead: () => Promise<void>, steal: boolean): Promise<void> {
    return new Promise((done, fail) => {
      const hold = () => {
        const mine = { fail };
        this.holder = mine;
        void lead().then(() => {
          if (this.holder === mine) this.free();
          done();
        });
      };
      if (steal) {
        const before = this.holder;
        hold();
        before?.fail(new Error("stolen"));
      } else if (this.holder) this.waiting.push(hold);
      else hold();
    });
  }

  free(): void {
    this.holder = null;
    this.waiting.shift()?.();
  }
}

class Tab {
  heard: string[] = [];
  feeds: { stream: Stream; last: string; handlers: FeedHandlers; stopped: boolean }[] = [];
  frozen = false;
  listener: (event: MessageEvent) => void = () => {};

  constructor(
    readonly browser: Browser,
    { locks = true, narrow = null as Stream | null } = {},
  ) {
    const around: Around = {
      channel: {
        postMessage: (data: unknown) => {
          if (this.frozen) return;
          for (const tab of browser.tabs)
            if (tab !== this && !tab.frozen) tab.listener({ data } as MessageEvent);
        },
        addEventListener: (_type: string, listener: unknown) => {
          this.listener = listener as typeof this.listener;
        },
        close: () => {},
      } as Around["channel"],
      lock: locks ? (lead, steal) => browser.lock(lead, steal) : null,
      follow: (stream, handlers, last): Feed => {
        const feed = { stream, last, handlers, stopped: false };
        this.feeds.push(feed);
        return {
          wake: () => {},
          stop: () => {
            feed.stopped = true;
          },
        };
      },
      narrow: async () => narrow,
    };
    browser.tabs.push(this);
    new Hub("/events", around, {
      received: ({ type, project }) => this.heard.push(`${type} ${project}`),
      flowing: (flows) => this.heard.push(`flows ${flows}`),
      leading: (leads) => this.heard.push(`leads ${leads}`),
    });
  }

  tell(type: string, data: object, id: string): void {
    this.feeds.at(-1)?.handlers.received(type, JSON.stringify(data), id);
  }
}

it("holds one stream for two tabs", () => {
  const browser = new Browser();
  const first = new Tab(browser);
  first.feeds[0]?.handlers.flowing(true);
  const second = new Tab(browser);
  first.tell("agent.state", { project_id: "p" }, "7");
  expect(first.heard).toEqual(["leads true", "flows true", "agent.state p"]);
  expect(second.heard).toEqual(["flows true", "agent.state p"]);
  expect(second.feeds.length).toBe(0);
});

it("passes the lead on at the same event", async () => {
  const browser = new Browser();
  const first = new Tab(browser);
  const second = new Tab(browser);
  first.tell("state", {}, "7");
  first.frozen = true;
  browser.free();
  expect(second.heard.at(-1)).toBe("leads true");
  expect(second.feeds[0]?.last).toBe("7");
});

it("replaces a frozen leader, which follows then", async () => {
  const browser = new Browser();
  const first = new Tab(browser);
  const second = new Tab(browser);
  first.frozen = true;
  vi.advanceTimersByTime(DEAF_MS + 1);
  expect(second.heard).toContain("leads true");
  await vi.advanceTimersByTimeAsync(0);
  expect(first.feeds[0]?.stopped).toBe(true);
  expect(first.heard.at(-1)).toBe("leads false");
  first.frozen = false;
  second.tell("agent.state", { project_id: "p" }, "8");
  expect(first.heard.at(-1)).toBe("agent.state p");
});

it("keeps a silent but living leader", () => {
  const browser = new Browser();
  new Tab(browser);
  const second = new Tab(browser);
  vi.advanceTimersByTime(DEAF_MS * 5);
  expect(second.heard).toEqual([]);
});

it("follows the caller's own project after a refusal", async () => {
  const browser = new Browser();
  const tab = new Tab(browser, { narrow: { address: "/p/events", project: "p" } });
  tab.feeds[0]?.handlers.refused();
  await vi.advanceTimersByTimeAsync(0);
  expect(tab.feeds.map(({ stream, stopped }) => [stream.address, stopped])).toEqual([
    ["/events", true],
    ["/p/events", false],
  ]);
  tab.tell("agent.state", {}, "1");
  expect(tab.heard.at(-1)).toBe("agent.state p");
});

it("leads in each tab without locks", () => {
  const browser = new Browser();
  const tabs = [new Tab(browser, { locks: false }), new Tab(browser, { locks: false })];
  expect(tabs.map(({ feeds }) => feeds.length)).toEqual([1, 1]);
});
