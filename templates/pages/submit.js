// Submits the response. Without scripts the user presses the button.
document.getElementById("response").submit();
