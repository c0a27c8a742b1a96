// Does the checks of a page one after the other, so that each line stands as soon as it is known.

const list = document.querySelector("#checks");
const token = document.querySelector("#set-form [name=csrfmiddlewaretoken]").value;

async function answer(line, shut) {
  const body = new URLSearchParams({ csrfmiddlewaretoken: token, only: line.dataset.check });
  if (shut) body.set("shut", "1");
  const response = await fetch(location.pathname, { method: "POST", body });
  if (!response.ok || response.redirected) throw new Error(response.status);
  const holder = document.createElement("template");
  holder.innerHTML = await response.text();
  return holder.content;
}

let shut = false;
for (const line of list.querySelectorAll("[data-check]")) {
  line.classList.replace("pending", "busy");
  try {
    const found = await answer(line, shut && "asks" in line.dataset);
    shut ||= "gate" in line.dataset && found.querySelector(".check.fault") !== null;
    line.replaceWith(found);
  } catch {
    line.className = "check fault";
    line.querySelector("p").textContent = list.dataset.lost;
  }
}
