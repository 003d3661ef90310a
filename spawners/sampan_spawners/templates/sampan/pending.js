(function () {
  "use strict";
  var page = document.getElementById("sampan-pending");
  var says = document.getElementById("progress-message");
  var bar = document.getElementById("progress-bar");
  var log = document.getElementById("progress-log");
  var away = document.getElementById("sampan-away");
  var stop = document.getElementById("stop-server-btn");
  var reached = 0;
  var after = null;
  var last = "";
  var over = false;
  var wait = 500;
  document.getElementById("sampan-again").href = page.dataset.again;

  function withParameter(url, name, value) {
    return url + (url.indexOf("?") < 0 ? "?" : "&") + name + "=" + encodeURIComponent(value);
  }

  function show(event) {
    if (event.progress !== undefined && event.progress > reached) {
      reached = event.progress;
      bar.setAttribute("aria-valuenow", String(reached));
      bar.firstElementChild.style.width = reached + "%";
    }
    // html_message is made by the hub, which has escaped all that came from outside.
    var html = event.html_message;
    if (html === undefined) {
      var plain = document.createElement("span");
      plain.textContent = event.message || "";
      html = plain.outerHTML;
    }
    says.innerHTML = html;
    says.classList.toggle("sp-silence", event.seen === "unknown" || event.seen === "unreachable");
    window.sampan.local(says);
    if (html === last || event.failed || event.stopped) { return; }
    last = html;
    var line = document.createElement("li");
    var time = document.createElement("time");
    time.textContent = (event.at ? new Date(event.at * 1000) : new Date()).toLocaleTimeString([], { hour12: false });
    var text = document.createElement("span");
    text.innerHTML = html;
    window.sampan.local(text);
    line.append(time, text);
    log.append(line);
  }

  function end(event) {
    over = true;
    document.getElementById("sampan-going").hidden = true;
    document.getElementById("sampan-over").hidden = false;
    document.getElementById("sampan-failed").hidden = !event.failed;
    document.getElementById("sampan-stopped").hidden = !!event.failed;
    document.getElementById("sampan-why").innerHTML = event.html_message || "";
    if (!event.html_message) { document.getElementById("sampan-why").textContent = event.message || ""; }
    document.getElementById("sampan-again").focus();
  }

  function listen() {
    var url = withParameter(page.dataset.events, "_xsrf", window.jhdata.xsrf_token);
    var source = new EventSource(after === null ? url : withParameter(url, "after", after));
    source.onopen = function () { away.hidden = true; wait = 500; };
    source.onmessage = function (message) {
      var event = JSON.parse(message.data);
      if (event.id !== undefined && event.id !== null) { after = event.id; }
      show(event);
      if (event.ready) { source.close(); over = true; window.location.reload(); }
      else if (event.failed || event.stopped) { source.close(); end(event); }
      else if (event.stopping) { source.close(); setTimeout(function () { if (!over) { listen(); } }, 1000); }
    };
    // Not left to EventSource: it gives up for good when the proxy answers for a hub that is away.
    source.onerror = function () {
      source.close();
      if (over) { return; }
      away.hidden = false;
      setTimeout(listen, wait);
      wait = Math.min(wait * 2, 4000);
    };
  }

  stop.addEventListener("click", function () {
    stop.disabled = true;
    var mine = page.dataset.stop !== "";
    fetch(mine ? page.dataset.stop : page.dataset.other, {
      method: mine ? "POST" : "DELETE", credentials: "same-origin",
      headers: { "Content-Type": "application/json", "X-XSRFToken": window.jhdata.xsrf_token },
    }).then(function (answer) { if (!answer.ok) { throw new Error(String(answer.status)); } })
      .catch(function () { stop.disabled = false; away.hidden = false; });
  });

  listen();
  window._jupyterhub_page_loaded = true;
})();
