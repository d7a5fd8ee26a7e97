"use strict";
// One key for each decision. Without this script, the buttons do the same.
const cards = [...document.querySelectorAll(".card")];
let current = 0;
const go = (step) => {
  if (!cards.length) return;
  current = Math.min(Math.max(current + step, 0), cards.length - 1);
  cards[current].focus();
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea")) return;
  if (event.key === "j") go(1);
  else if (event.key === "k") go(-1);
  else {
    const place = event.key === "u" ? document : cards[current];
    const target = place && "arniu".includes(event.key) && place.querySelector(`[data-key="${event.key}"]`);
    if (!target) return;
    if (target.tagName === "INPUT") target.focus();
    else target.click();
  }
  event.preventDefault();
});
document.addEventListener("focusin", (event) => {
  const card = event.target.closest(".card");
  if (card) current = cards.indexOf(card);
});
if (cards.length && !document.querySelector("[role=alert]")) go(0);
