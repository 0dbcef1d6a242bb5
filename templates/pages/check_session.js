// Answers applications that ask whether the session has changed (OpenID Connect Session Management
// 1.0, section 3.2): "unchanged", "changed" or "error".
(function () {
  "use strict";
  var name = document.currentScript.dataset.cookie;

  function state() {
    var found = document.cookie.split("; ").filter(function (pair) {
      return pair.indexOf(name + "=") === 0;
    });
    return found.length === 1 ? found[0].slice(name.length + 1) : "";
  }

  function hash(text) {
    return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)).then(function (bytes) {
      var binary = String.fromCharCode.apply(null, new Uint8Array(bytes));
      return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
    });
  }

  // Returns true if the cookie may be missing only because the browser blocks third-party cookies. The
    // answer "changed" would then sign out users who are signed in.
  function blocked(known) {
    if (known || !document.hasStorageAccess) return Promise.resolve(false);
    return document.hasStorageAccess().then(function (has) {
      return !has;
    });
  }

  window.addEventListener("message", function (event) {
    if (event.source === window || !event.source) return;
    function answer(text) {
      event.source.postMessage(text, event.origin);
    }
    var parts = typeof event.data === "string" ? event.data.split(" ") : [];
    var known = parts.length === 2 ? parts[1].split(".") : [];
    if (known.length !== 2 || !parts[0] || event.origin === "null" || !window.crypto.subtle) {
      if (event.origin !== "null") answer("error");
      return;
    }
    var cookie = state();
    Promise.all([
      blocked(cookie),
      hash([parts[0], event.origin, cookie, known[1]].join(" "))
    ]).then(function (found) {
      answer(found[0] ? "error" : found[1] === known[0] ? "unchanged" : "changed");
    }, function () {
      answer("error");
    });
  });
})();
