"use strict";
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form.edit");
  if (!form) return;
  event.preventDefault();
  const found = await send("/classes/edit", { key: form.closest("li").dataset.class, text: `${form.kind.value}: ${form.said.value}` });
  if (!found?.is_done) return;
  const lint = document.getElementById("lint");
  const lines = found.findings.length ? found.findings : ["lint finds nothing new"];
  lint.replaceChildren(...[found.message, ...lines].map((text) => {
    const line = document.createElement("p");
    line.dir = "auto";
    line.textContent = text;
    return line;
  }));
  form.said.value = "";
});
