"use strict";
if (document.getElementById("gathering")) {
  setInterval(async () => {
    const text = await load("/queue/ready");
    if (text && JSON.parse(text).is_ready) location.reload();
  }, 250);
}
