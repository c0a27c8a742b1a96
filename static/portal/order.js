// Lets a rule be dragged to another place of the list. The buttons beside it do the same by keyboard.

const form = document.getElementById("changelist-form");
let dragged = null;

function drop(event, place, row) {
  event.preventDefault();
  const below = event.clientY > row.getBoundingClientRect().top + row.offsetHeight / 2;
  if (dragged === null || dragged === place.dataset.rule) return;
  const move = document.createElement("input");
  move.type = "hidden";
  move.name = "_move";
  move.value = `${dragged}:${below ? "after" : "before"}:${place.dataset.rule}`;
  form.append(move);
  form.submit();
}

for (const place of form.querySelectorAll("[data-rule]")) {
  const row = place.closest("tr");
  const handle = document.createElement("span");
  handle.className = "cursor-move material-symbols-outlined py-1 select-none";
  handle.textContent = "drag_indicator";
  handle.setAttribute("aria-hidden", "true");
  handle.draggable = true;
  handle.addEventListener("dragstart", (event) => {
    dragged = place.dataset.rule;
    event.dataTransfer.setDragImage(row, 0, 0);
    event.dataTransfer.effectAllowed = "move";
  });
  handle.addEventListener("dragend", () => { dragged = null; });
  row.addEventListener("dragover", (event) => { if (dragged !== null) event.preventDefault(); });
  row.addEventListener("drop", (event) => drop(event, place, row));
  place.prepend(handle);
}
