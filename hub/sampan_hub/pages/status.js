document.querySelectorAll("time[datetime]").forEach(function (element) {
  var at = new Date(element.dateTime);
  function two(number) { return String(number).padStart(2, "0"); }
  var time = two(at.getHours()) + ":" + two(at.getMinutes()) + (element.dataset.seconds === undefined ? "" : ":" + two(at.getSeconds()));
  var today = at.toDateString() === new Date().toDateString();
  element.textContent = today ? time : at.getFullYear() + "-" + two(at.getMonth() + 1) + "-" + two(at.getDate()) + " " + time;
});
