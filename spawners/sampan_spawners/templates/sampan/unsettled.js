(function () {
  "use strict";
  var place = document.getElementById("sampan-unsettled");
  var name = place.dataset.name;
  var shown = "";
  var ended = null;
  var words = {
    sure: { en: "Let it go? What was not saved there is lost.", zh: "确定放弃？未保存的内容将会丢失。" },
  };

  function ask(method, url) {
    return fetch(url, {
      method: method, credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-XSRFToken": window.jhdata.xsrf_token },
    }).then(function (answer) {
      return answer.json().then(function (told) { return { ok: answer.ok, told: told }; });
    });
  }

  function show(told) {
    if (ended === null) { ended = told.ended || ""; }
    var html = told.html + ended;
    if (html === shown) { return; }
    shown = html;
    // Made by the hub, which has escaped all that came from outside.
    place.innerHTML = html;
    window.sampan.local(place);
    place.hidden = html === "";
  }

  function look() {
    // How the last ones ended is told once a page: it does not change, and costs more to find out.
    var back = ended === null && place.dataset.ended !== undefined ? "&ended=1" : "";
    return ask("GET", place.dataset.look + "?" + (name === undefined ? "" : "name=" + encodeURIComponent(name)) + back)
      .then(function (answer) { if (answer.ok) { show(answer.told); } })
      .catch(function () { /* the hub is away: what was said stays */ });
  }

  place.addEventListener("click", function (event) {
    var button = event.target.closest("button[data-let-go]");
    if (!button || !window.confirm(words.sure[window.sampan.language()])) { return; }
    button.disabled = true;
    ask("POST", place.dataset.letGo + button.dataset.letGo)
      .then(function (answer) {
        if (answer.ok && place.dataset.reload !== undefined) { setTimeout(function () { window.location.reload(); }, 1500); }
      })
      .finally(function () { button.disabled = false; look(); });
  });

  (function again() { look().finally(function () { setTimeout(again, 3000); }); })();
})();
