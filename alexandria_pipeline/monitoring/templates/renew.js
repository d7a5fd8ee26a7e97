"use strict";
// Renews the content once a minute while the page is seen, unless the reader turns it off or is in the middle of it.
const renew = document.querySelector("#renew");
renew.hidden = false;
setInterval(async () => {
  const main = document.querySelector("main");
  if (document.hidden || !renew.querySelector("input").checked || main.contains(document.activeElement)) return;
  const answer = await fetch("/").catch(() => null);
  if (!answer || !answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  main.replaceWith(page.querySelector("main"));
  document.querySelector("time").replaceWith(page.querySelector("time"));
  document.title = page.title;
}, 60000);
