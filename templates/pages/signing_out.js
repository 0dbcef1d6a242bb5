// Continues once the page's frames have loaded, or after a few seconds, so an application that does
// not answer delays the sign-out only briefly.
(function () {
  "use strict";
  var link = document.getElementById("continue");
  if (!link) return;
  function go() {
    window.location.replace(link.href);
  }
  // The page's load event is fired after those of its frames.
  window.addEventListener("load", go);
  window.setTimeout(go, 4000);
})();
