/* Talks to the REST API with the session of the page. */

const BASE = "/api/v1/";
const PATIENCE = 30000; // milliseconds after which a line that says nothing counts as dead

/** What the server refused: a stable code, and words for people. */
export class Refusal extends Error {
  constructor(status, { code = "refused", detail = "", fields = {} } = {}) {
    super(detail || gettext("The server refused this."));
    this.status = status;
    this.code = code;
    this.fields = fields;
  }
}

/** No answer, or none that says whether the request was taken. */
export class Unreached extends Error {}

export const get = (path, query = {}) => call("GET", path + asQuery(query));

export const post = (path, data = {}, headers = {}) =>
  call("POST", path, JSON.stringify(data), { "Content-Type": "application/json", ...headers });

export const put = (path, data) => call("PUT", path, JSON.stringify(data), { "Content-Type": "application/json" });

/** Post a form that holds a file. */
export const postForm = (path, form) => call("POST", path, form);

export const patch = (path, data) => call("PATCH", path, JSON.stringify(data), { "Content-Type": "application/json" });

export const remove = (path) => call("DELETE", path);

/** Upload a file; `onShare(share)` hears how much of it has gone, from 0 to 1. */
export function upload(file, onShare, signal) {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    form.append("file", file);
    const request = new XMLHttpRequest(); // fetch does not tell how far it is
    request.open("POST", `${BASE}media`);
    request.setRequestHeader("X-CSRFToken", csrfToken());
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => event.lengthComputable && onShare(event.loaded / event.total));
    request.addEventListener("load", () => {
      if (request.status === 201) resolve(request.response);
      else if (request.status >= 500 || request.status === 429) reject(new Unreached(gettext("The server is not well at the moment.")));
      else reject(new Refusal(request.status, request.response ?? {}));
    });
    for (const end of ["error", "abort", "timeout"]) {
      request.addEventListener(end, () => reject(new Unreached(gettext("No connection to the server."))));
    }
    signal.addEventListener("abort", () => request.abort());
    request.send(form);
  });
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
    answer = await fetch(BASE + path, { method, body, headers, credentials: "same-origin", signal: AbortSignal.timeout(PATIENCE) });
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
