"use strict";
// Searches while one types. Without this script, the form leads to the same results.
const field = document.getElementById("q");
const results = document.getElementById("results");
let waiting, asked = 0;
if (results) field.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(async () => {
    const number = ++asked, query = "q=" + encodeURIComponent(field.value);
    try {
      const answer = await fetch("/library?part=1&" + query);
      if (answer.ok && number === asked) {
        results.innerHTML = await answer.text();
        history.replaceState(null, "", "/library?" + query);
      }
    } catch { /* the form still works */ }
  }, 150);
});
