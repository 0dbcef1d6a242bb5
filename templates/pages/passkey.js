// Asks the browser for a passkey: when the button is pressed, by the autofill of the field for the name, or to set
// one up. The answer is sent with the form that contains the challenge. Without passkeys the form stays hidden.
(function () {
  "use strict";
  var form = document.getElementById("passkey");
  if (!form || !window.PublicKeyCredential || !navigator.credentials) return;
  var data = form.dataset;
  var button = document.getElementById("use-passkey");
  var problem = document.getElementById("passkey-problem");
  // The request of the autofill, which ends when the button is pressed.
  var pending = null;

  function bytes(text) {
    var binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(binary, function (letter) {
      return letter.charCodeAt(0);
    });
  }

  function encoded(buffer) {
    var binary = "";
    new Uint8Array(buffer).forEach(function (byte) {
      binary += String.fromCharCode(byte);
    });
    return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function descriptors(ids) {
    return (ids || "").split(" ").filter(Boolean).map(function (id) {
      return { type: "public-key", id: bytes(id) };
    });
  }

  function put(name, buffer) {
    form.elements.namedItem(name).value = buffer ? encoded(buffer) : "";
  }

  function send(credential) {
    var response = credential.response;
    put("client_data", response.clientDataJSON);
    if (response.attestationObject) {
      put("attestation_object", response.attestationObject);
    } else {
      put("credential_id", credential.rawId);
      put("authenticator_data", response.authenticatorData);
      put("signature", response.signature);
      put("user_handle", response.userHandle);
    }
    form.submit();
  }

  function create() {
    return navigator.credentials.create({
      publicKey: {
        rp: { id: data.rpId, name: data.rpName },
        user: { id: bytes(data.userHandle), name: data.userName, displayName: data.displayName },
        challenge: bytes(data.challenge),
        pubKeyCredParams: data.algorithms.split(" ").map(function (algorithm) {
          return { type: "public-key", alg: Number(algorithm) };
        }),
        excludeCredentials: descriptors(data.credentials),
        authenticatorSelection: {
          residentKey: "required",
          requireResidentKey: true,
          userVerification: "required"
        },
        attestation: "none"
      }
    });
  }

  function get(options) {
    options.publicKey = {
      rpId: data.rpId,
      challenge: bytes(data.challenge),
      allowCredentials: descriptors(data.credentials),
      userVerification: "required"
    };
    return navigator.credentials.get(options);
  }

  function explain(error) {
    button.disabled = false;
    problem.textContent =
      error.name === "InvalidStateError" ? data.exists || data.failed : data.failed;
    problem.hidden = false;
  }

  button.addEventListener("click", function () {
    if (!form.reportValidity()) return;
    if (pending) pending.abort();
    pending = null;
    button.disabled = true;
    problem.hidden = true;
    (data.userHandle ? create() : get({})).then(send).catch(explain);
  });

  // Enter in the field for the name sends no empty answer. Sending the answer causes no such event.
  form.addEventListener("submit", function (event) {
    event.preventDefault();
    button.click();
  });

  // The page may come back from the browser's cache after the form was sent.
  window.addEventListener("pageshow", function () {
    button.disabled = false;
  });

  form.hidden = false;
  var conditional = window.PublicKeyCredential.isConditionalMediationAvailable;
  if (!("autofill" in data) || !conditional) return;
  conditional.call(window.PublicKeyCredential).then(function (available) {
    if (!available) return;
    pending = new AbortController();
    // It fails when the button is pressed, and where the browser has nothing to offer.
    get({ mediation: "conditional", signal: pending.signal }).then(send, function () {});
  });
})();
