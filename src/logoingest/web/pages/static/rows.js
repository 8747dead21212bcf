"use strict";
// Rows of pictures, each decided by a key while it has the focus; the queue's desk takes the decision.
const rows = () => [...document.querySelectorAll("article.row-card")];
let busy = false;

function focusRow(at) {
  const all = rows();
  all[Math.min(Math.max(at, 0), all.length - 1)]?.focus();
}

async function decide(row, text) {
  if (busy) return;
  busy = true;
  const found = await send("/queue/decide", { key: row.dataset.key, text });
  busy = false;
  if (!found?.is_done) return;
  const at = rows().indexOf(row);
  row.remove();
  if (rows().length) focusRow(at);
  else document.querySelector("main").append(Object.assign(document.createElement("p"), { textContent: "Nothing is left to decide here." }));
}

function press(row, button) {
  if (button.disabled) return;
  if (!button.dataset.before) { decide(row, button.dataset.text); return; }
  const form = row.querySelector("form.prompt");
  const fresh = form.cloneNode(true);
  form.replaceWith(fresh);
  offerClasses(fresh, (text) => decide(row, button.dataset.before + text));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-key-of]");
  if (button) press(button.closest("article"), button);
});

document.addEventListener("keydown", async (event) => {
  if (isTyping(event)) return;
  const row = document.activeElement?.closest("article.row-card");
  const at = row ? rows().indexOf(row) : -1;
  if (event.key === "ArrowDown") focusRow(at + 1);
  else if (event.key === "ArrowUp") focusRow(at - 1);
  else if (event.key === "u") { if ((await send("/queue/undo", {}))?.is_done) location.reload(); }
  else {
    const button = row && [...row.querySelectorAll("button[data-key-of]")].find((one) => one.dataset.keyOf === event.key);
    if (!button || event.repeat) return;
    press(row, button);
  }
  event.preventDefault();
});
