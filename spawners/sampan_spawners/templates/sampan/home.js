require(["utils"], function (utils) {
  "use strict";
  var home = document.getElementById("sampan-home");
  var trouble = document.getElementById("sampan-trouble");
  var words = {
    failed: { en: "That did not work. Please try again in a moment.", zh: "操作未成功，请稍后再试。" },
    remove: { en: "Remove this notebook from the list? Files stay where they are.", zh: "从列表中删除此笔记本？文件不会被删除。" },
  };
  function say(key) { return words[key][window.sampan.language()]; }

  function ask(method, url, body) {
    return fetch(url, {
      method: method, credentials: "same-origin", body: body,
      headers: { "Content-Type": "application/json", "X-XSRFToken": window.jhdata.xsrf_token },
    }).then(function (answer) {
      if (!answer.ok) { throw new Error(String(answer.status)); }
      window.location.reload();
    }).catch(function () { trouble.textContent = say("failed"); });
  }

  document.querySelectorAll("button[data-stop]").forEach(function (button) {
    button.addEventListener("click", function () {
      button.disabled = true;
      ask("POST", home.dataset.stop + encodeURIComponent(button.dataset.stop)).finally(function () { button.disabled = false; });
    });
  });
  document.querySelectorAll("button[data-delete]").forEach(function (button) {
    button.addEventListener("click", function () {
      if (!window.confirm(say("remove"))) { return; }
      ask("DELETE", home.dataset.api + encodeURIComponent(button.dataset.delete), JSON.stringify({ remove: true }));
    });
  });
  var form = document.getElementById("sampan-new");
  if (form) {
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      var shown = utils.sanitise_display_name(document.getElementById("sampan-new-name").value);
      window.location.href = home.dataset.spawn + encodeURIComponent(utils.safe_slug(shown)) + "?display_name=" + encodeURIComponent(shown);
    });
  }
  window._jupyterhub_page_loaded = true;
});
