(function () {
  "use strict";
  var root = document.documentElement;
  var kept = document.cookie.match(/(?:^|;\s*)sampan_lang=(en|zh)/);
  var wanted = (navigator.languages || [navigator.language || "en"])
    .map(function (tag) { return tag.slice(0, 2).toLowerCase(); })
    .find(function (tag) { return tag === "en" || tag === "zh"; });

  // Attributes and titles cannot hold two languages at once: data-en and data-zh say them, data-say names the attribute.
  function speak(part) {
    (part || document).querySelectorAll("[data-say]").forEach(function (element) {
      var text = element.getAttribute("data-" + root.lang) || "";
      element.dataset.say.split(" ").forEach(function (name) {
        if (name === "text") { element.textContent = text; } else { element.setAttribute(name, text); }
      });
    });
  }

  // Sentences name moments in UTC, times their seconds; a person reads both by the clock on their own wall.
  function local(part) {
    (part || document).querySelectorAll("time[data-at]").forEach(function (element) {
      element.textContent = moment(new Date(Number(element.dataset.at) * 1000));
    });
    var texts = document.createTreeWalker(part || document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      texts.currentNode.nodeValue = texts.currentNode.nodeValue.replace(
        /(\d{4}-\d\d-\d\d) (\d\d:\d\d) UTC/g,
        function (_, day, time) { return moment(new Date(day + "T" + time + "Z")); });
    }
  }

  function moment(at) {
    function two(number) { return String(number).padStart(2, "0"); }
    var time = two(at.getHours()) + ":" + two(at.getMinutes());
    var today = at.toDateString() === new Date().toDateString();
    return today ? time : at.getFullYear() + "-" + two(at.getMonth() + 1) + "-" + two(at.getDate()) + " " + time;
  }

  root.lang = kept ? kept[1] : wanted || "en";
  window.sampan = {
    speak: speak,
    local: local,
    language: function () { return root.lang; },
    choose: function (language, base) {
      root.lang = language;
      document.cookie = "sampan_lang=" + language + "; path=" + base + "; max-age=31536000; SameSite=Lax";
      speak();
    },
  };
  document.addEventListener("DOMContentLoaded", function () {
    speak();
    var button = document.getElementById("sampan-language");
    if (button) {
      button.addEventListener("click", function () {
        window.sampan.choose(root.lang === "zh" ? "en" : "zh", button.dataset.base);
      });
    }
  });
})();
