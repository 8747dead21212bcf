"use strict";
document.getElementById("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { name, password } = event.target;
  const found = await send("/enter", { name: name.value, password: password.value });
  password.value = "";
  if (found?.is_done) location.replace("/queue");
  else password.focus();
});
