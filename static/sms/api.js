/* Talks to the REST API with the session of the page. */

import { wait } from "./dom.js";

const BASE = "/api/v1/";
const RETRIES = [400, 1000, 2000, 4000, 8000]; // milliseconds between tries of one send

/** What the server refused: a stable code, and words for people. */
export class Refusal extends Error {
  constructor(status, { code = "refused", detail = "" } = {}) {
    super(detail || gettext("The server refused this."));
    this.status = status;
    this.code = code;
  }
}

/** No answer, or none that says whether the request was taken. */
export class Unreached extends Error {}

export const get = (path, query = {}) => call("GET", path + asQuery(query));

export const post = (path, data = {}, headers = {}) =>
  call("POST", path, JSON.stringify(data), { "Content-Type": "application/json", ...headers });

export const put = (path, data) =>
  call("PUT", path, JSON.stringify(data), { "Content-Type": "application/json" });

export function upload(file) {
  const form = new FormData();
  form.append("file", file);
  return call("POST", "media", form);
}

/** Send one message. The key stays the same, so trying again can never send it twice. */
export async function send(data, key, onRetry) {
  for (const pause of RETRIES) {
    try {
      return await post("messages", data, { "Idempotency-Key": key });
    } catch (error) {
      if (!(error instanceof Unreached)) throw error;
      onRetry();
      await wait(pause);
    }
  }
  return post("messages", data, { "Idempotency-Key": key });
}

/** Follow a page's own link to the next one. */
export const follow = (link) => call("GET", new URL(link).pathname.slice(BASE.length) + new URL(link).search);

function asQuery(query) {
  const words = new URLSearchParams(query).toString();
  return words ? `?${words}` : "";
}

async function call(method, path, body, headers = {}) {
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  let answer;
  try {
    answer = await fetch(BASE + path, { method, body, headers, credentials: "same-origin" });
  } catch (error) {
    throw new Unreached(gettext("No connection to the server."), { cause: error });
  }
  if (answer.status === 401) {
    location.assign(`/login/?next=${encodeURIComponent("/")}`);
    throw new Refusal(401, { code: "signed_out", detail: gettext("You were signed out.") });
  }
  if (answer.status >= 500 || answer.status === 429) {
    throw new Unreached(gettext("The server is not well at the moment."));
  }
  const data = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(answer.status, data);
  return data;
}

/* The cookie is the newest: another tab may have signed in meanwhile. */
function csrfToken() {
  const cookie = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
  return cookie ? cookie[1] : (document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "");
}
