"use strict";
const state = document.getElementById("state");
let stamp = "";

async function look() {
  const html = await load("/run/state");
  if (html !== null) state.innerHTML = html;
  const curves = await load("/run/curves");
  const shown = document.getElementById("curves");
  if (curves !== null && curves !== look.curves) shown.innerHTML = look.curves = curves;
  const now = document.getElementById("stamp")?.dataset.stamp ?? "";
  if (now !== stamp) {
    stamp = now;
    const stages = await load("/run/stages");
    if (stages !== null) document.getElementById("stages").innerHTML = stages;
  }
  setTimeout(look, document.hidden ? 15000 : 2000);
}

document.getElementById("start").addEventListener("click", () => send("/run/start", { text: "" }));
document.getElementById("stop").addEventListener("click", () => send("/run/stop", {}));
document.getElementById("retry").addEventListener("submit", (event) => {
  event.preventDefault();
  const reason = event.target.reason.value.trim();
  if (reason) send("/run/start", { text: reason });
});
look();
