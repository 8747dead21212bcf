"use strict";
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-name]");
  if (!button || button.disabled) return;
  button.disabled = true;
  const found = await send("/written/undo", { text: button.dataset.name });
  if (found?.is_done) setTimeout(() => location.reload(), 800);
  else button.disabled = false;
});
