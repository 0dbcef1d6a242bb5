// Sends the response on its way; without scripts the button does.
document.getElementById("response").submit();
