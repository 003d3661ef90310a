(function () {
  "use strict";
  var form = document.getElementById("spawn_form");
  var box = document.getElementById("sampan-places");
  var link = document.getElementById("sampan-link");
  var start = document.getElementById("sampan-start");
  var status = document.getElementById("sampan-status");
  var summary = document.getElementById("sampan-summary");
  var own = document.getElementById("sampan-own");
  if (!box) { return; }
  var details = ["cores", "memory", "hours", "accelerator", "accelerators"];
  var words = {
    summary: {
      en: function (o) { return (o.cores || "–") + (o.cores === "1" ? " core, " : " cores, ") + (o.memory || "–") + " GiB, " + (o.hours || "–") + " h" + card(o, ", "); },
      zh: function (o) { return (o.cores || "–") + " 核，" + (o.memory || "–") + " GiB，" + (o.hours || "–") + " 小时" + card(o, "，"); },
    },
    cut: { en: "The hub does not answer just now; this list may be old.", zh: "平台暂时没有响应，此列表可能已过时。" },
    updated: { en: "The list of centres was brought up to date.", zh: "中心列表已更新。" },
  };
  function say(key) { return words[key][window.sampan.language()]; }
  function card(o, comma) { return o.accelerator ? comma + (o.accelerators || 1) + " × " + o.accelerator : ""; }
  function field(name) { return form.elements[name]; }

  function options() {
    var taken = {};
    new FormData(form).forEach(function (value, key) {
      if (typeof value === "string" && value !== "") { taken[key] = value; }
    });
    if (!taken.accelerator) { delete taken.accelerators; }
    return taken;
  }

  function told() { summary.textContent = "· " + say("summary")(options()); }

  function shown(answer) {
    if (answer.html !== undefined && answer.html !== box.dataset.html) {
      var focused = box.contains(document.activeElement) ? document.activeElement.value : null;
      box.innerHTML = answer.html;
      box.dataset.html = answer.html;
      if (focused !== null) {
        var again = Array.prototype.find.call(box.querySelectorAll("input"), function (input) { return input.value === focused; });
        if (again) { again.focus({ preventScroll: true }); }
      }
      status.textContent = say("updated");
    }
    details.forEach(function (name) {
      if (answer.field === name) { field(name).setAttribute("aria-invalid", "true"); field(name).classList.add("is-invalid"); }
      else { field(name).removeAttribute("aria-invalid"); field(name).classList.remove("is-invalid"); }
    });
    if (details.indexOf(answer.field) >= 0) { form.querySelector("details").open = true; }
    if (answer.startable) { start.removeAttribute("aria-disabled"); } else { start.setAttribute("aria-disabled", "true"); }
    link.value = answer.query ? window.location.origin + form.dataset.link + "?" + answer.query : "";
  }

  var asked = 0;
  var running = null;
  function ask() {
    var mine = ++asked;
    if (running) { running.abort(); }
    running = new AbortController();
    box.setAttribute("aria-busy", "true");
    fetch(form.dataset.place, {
      method: "POST", credentials: "same-origin", signal: running.signal,
      headers: { "Content-Type": "application/json", "X-XSRFToken": window.jhdata.xsrf_token },
      body: JSON.stringify({ options: options() }),
    }).then(function (answer) {
      if (answer.status === 403) { window.location.reload(); }
      if (!answer.ok) { throw new Error(String(answer.status)); }
      return answer.json();
    }).then(function (answer) { if (mine === asked) { shown(answer); } })
      .catch(function (error) { if (error.name !== "AbortError" && mine === asked) { status.textContent = say("cut"); } })
      .finally(function () { if (mine === asked) { box.setAttribute("aria-busy", "false"); } });
  }
  var soon = null;
  function askSoon(wait) { clearTimeout(soon); soon = setTimeout(ask, wait); }

  function takePlan(radio) {
    if (!radio.dataset.options) { return; }
    var plan = JSON.parse(radio.dataset.options);
    details.forEach(function (name) {
      var value = plan[name] === undefined ? "" : String(plan[name]);
      if (name === "accelerator" && value && !field(name).querySelector('option[value="' + CSS.escape(value) + '"]')) {
        field(name).add(new Option(value, value));
      }
      field(name).value = value;
    });
    own.hidden = true;
  }

  function ownWish() {
    if (!own) { return; }
    own.hidden = false;
    own.querySelector("input").checked = true;
  }

  form.addEventListener("change", function (event) {
    if (event.target.name === "plan") { takePlan(event.target); }
    if (details.indexOf(event.target.name) >= 0) {
      ownWish();
      if (event.target.name === "accelerator") { field("accelerators").value = event.target.value ? field("accelerators").value || "1" : ""; }
    }
    told();
    askSoon(0);
  });
  form.addEventListener("input", function (event) {
    if (details.indexOf(event.target.name) >= 0) { ownWish(); told(); askSoon(300); }
  });
  form.addEventListener("submit", function (event) {
    if (start.getAttribute("aria-disabled") === "true" || form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    start.setAttribute("aria-disabled", "true");
    var kept = options();
    Array.prototype.forEach.call(form.elements, function (input) {
      if (input.name && kept[input.name] === undefined) { input.disabled = true; }
    });
  });
  window.addEventListener("pageshow", function (event) { if (event.persisted) { window.location.reload(); } });
  document.getElementById("sampan-copy").addEventListener("click", function () {
    link.select();
    if (navigator.clipboard) { navigator.clipboard.writeText(link.value); } else { document.execCommand("copy"); }
  });
  document.getElementById("sampan-language").addEventListener("click", function () { setTimeout(told, 0); });

  shown({ query: box.dataset.query, field: "", startable: box.dataset.startable === "yes" });
  told();
  askSoon(3000);
  setInterval(function () { if (!document.hidden && !form.dataset.sent) { ask(); } }, 10000);
  window._jupyterhub_page_loaded = true;
})();
