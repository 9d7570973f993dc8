import { afterEach, describe, expect, it, vi } from "vitest";
import { createProject, endSession, sendCommand } from "./calls";
import { ApiError, onSignedOut, request } from "./client";

function answer(status: number, body: string | null, type = "application/json") {
  const fetch = vi.fn(async (_url: string, _init: RequestInit) => {
    return new Response(body, { status, headers: { "Content-Type": type } });
  });
  vi.stubGlobal("fetch", fetch);
  return fetch;
}

afterEach(() => {
  vi.unstubAllGlobals();
  onSignedOut(() => {});
});

const failure = (promise: Promise<unknown>): Promise<ApiError> =>
  promise.then(
    () => expect.fail("the call should have failed"),
    (error: unknown) => {
      expect(error).toBeInstanceOf(ApiError);
      return error as ApiError;
    },
  );

describe("request", () => {
  it("sends JSON and reads JSON", async () => {
    const fetch = answer(201, '{"id":"a","name":"Shop"}');
    expect(await createProject({ name: "Shop" })).toEqual({ id: "a", name: "Shop" });
    const [url, init] = fetch.mock.calls[0] ?? [];
    expect(url).toBe("/api/v1/output-projects");
    expect(init?.method).toBe("POST");
    expect(init?.body).toBe('{"name":"Shop"}');
    expect(init?.headers).toMatchObject({ "Content-Type": "application/json" });
  });

  it("escapes ids in paths", async () => {
    const fetch = answer(204, null);
    await endSession("../x");
    expect(fetch.mock.calls[0]?.[0]).toBe("/api/v1/output-projects/..%2Fx/session");
  });

  it("names the idempotency key as the API does", async () => {
    const fetch = answer(202, '{"id":"d","state":"queued","attempts":0,"error":null}');
    await sendCommand("p", { text: "/help", idempotency_key: "k1" });
    expect(JSON.parse(String(fetch.mock.calls[0]?.[1].body))).toEqual({
      text: "/help",
      idempotency_key: "k1",
    });
  });

  it("takes the detail of a problem, then its title, then the status line", async () => {
    answer(409, '{"title":"Conflict","detail":"end the session first"}', "application/problem+json");
    expect(await failure(request("GET", "/x"))).toMatchObject({
      status: 409,
      message: "end the session first",
    });
    answer(409, '{"title":"Conflict"}');
    expect((await failure(request("GET", "/x"))).message).toBe("Conflict");
    answer(502, "<html>bad gateway</html>", "text/html");
    expect((await failure(request("GET", "/x"))).message).toBe("502");
    answer(500, "null");
    expect((await failure(request("GET", "/x"))).message).toBe("500");
  });

  it("tells when the browser is signed out, and only then", async () => {
    const signedOut = vi.fn();
    onSignedOut(signedOut);
    answer(403, "{}");
    await failure(request("GET", "/x"));
    expect(signedOut).not.toHaveBeenCalled();
    answer(401, '{"detail":"log in"}');
    expect((await failure(request("GET", "/x"))).status).toBe(401);
    expect(signedOut).toHaveBeenCalledOnce();
  });

  it("reports an unreachable server as status 0", async () => {
    vi.stubGlobal("fetch", async () => {
      throw new TypeError("Failed to fetch");
    });
    expect((await failure(request("GET", "/x"))).status).toBe(0);
  });

  it("reports an answer that is not JSON as status 0", async () => {
    answer(200, "<html>", "text/html");
    expect((await failure(request("GET", "/x"))).status).toBe(0);
  });

  it("leaves an abort of the caller what it is", async () => {
    const controller = new AbortController();
    vi.stubGlobal("fetch", async () => {
      controller.abort();
      throw controller.signal.reason;
    });
    await expect(request("GET", "/x", undefined, controller.signal)).rejects.toMatchObject({
      name: "AbortError",
    });
  });
});
