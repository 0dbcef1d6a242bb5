// Leads on once the page's frames have loaded, or after a few seconds: an application that does not
// answer holds nobody up.
(function () {
  "use strict";
  var link = document.getElementById("continue");
  if (!link) return;
  function go() {
    window.location.replace(link.href);
  }
  // The page's own load event comes after that of its frames.
  window.addEventListener("load", go);
  window.setTimeout(go, 4000);
})();
