"""A browser for the relying parties: stores cookies, presses the button of an application's sign-in page, fills in the form with
a password field, sends the code of a device, consents, and follows redirects until a URL starts with STOP_AT.

    browser.py JAR URL STOP_AT      prints that URL; otherwise prints status and page, and exits with 1
    browser.py JAR URL              prints the last page
"""

import html.parser
import http.cookiejar
import sys
import urllib.error
import urllib.parse
import urllib.request

PERSON = {"username": "ada", "password": "correct horse battery staple"}


class Forms(html.parser.HTMLParser):
    """The forms of a page: action, method, filled-in fields, names of buttons."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form":
            method = given.get("method", "get").lower()
            form = {"action": given.get("action", ""), "method": method, "fields": {}, "buttons": [], "hidden": True}
            self.found.append(form)
        elif self.found and tag == "input" and given.get("name"):
            self.found[-1]["fields"][given["name"]] = given.get("value", "")
            self.found[-1]["hidden"] &= given.get("type") == "hidden"
        elif self.found and tag == "button" and given.get("name"):
            self.found[-1]["buttons"].append((given["name"], given.get("value", "")))


class StayPut(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Browser:
    def __init__(self, jar):
        self.cookies = http.cookiejar.LWPCookieJar(jar)
        try:
            self.cookies.load(ignore_discard=True)
        except FileNotFoundError:
            pass
        handlers = (urllib.request.HTTPCookieProcessor(self.cookies), StayPut())
        self.opener = urllib.request.build_opener(*handlers)

    def open(self, url, form=None, stop_at=None):
        """Follows redirects; returns the status, URL and page at their end."""
        for _ in range(20):
            if stop_at and url.startswith(stop_at):
                return 0, url, ""
            data = urllib.parse.urlencode(form).encode() if form is not None else None
            request = urllib.request.Request(url, data=data)
            request.add_header("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")
            if form is not None:
                parts = urllib.parse.urlsplit(url)
                request.add_header("Origin", f"{parts.scheme}://{parts.netloc}")
            try:
                answer = self.opener.open(request, timeout=20)
            except urllib.error.HTTPError as error:
                answer = error
            target = answer.headers.get("Location")
            if answer.status in (301, 302, 303, 307) and target:
                url, form = urllib.parse.urljoin(url, target), None
                continue
            return answer.status, url, answer.read().decode()
        raise SystemExit("more than twenty redirects")

    def sign_in(self, url, stop_at):
        """Opens a URL, and signs in, consents or signs out where a page asks for it."""
        status, url, page = self.open(url, stop_at=stop_at)
        for _ in range(5):
            forms = Forms(page).found
            asked = [form for form in forms if "password" in form["fields"]]
            agree = [form for form in forms if ("action", "allow") in form["buttons"]]
            leave = [form for form in forms if ("action", "logout") in form["buttons"]]
            device = [form for form in forms if form["fields"].get("user_code")]
            if device:
                form, more = device[0], {}
            elif asked:
                form, more = asked[0], PERSON
            elif agree:
                form, more = agree[0], {"action": "allow"}
            elif leave:
                form, more = leave[0], {"action": "logout"}
            elif forms and forms[0]["hidden"]:
                form, more = forms[0], {}
            else:
                break
            action, fields = urllib.parse.urljoin(url, form["action"]), {**form["fields"], **more}
            if form["method"] == "get":
                action, fields = f"{action.split('?')[0]}?{urllib.parse.urlencode(fields)}", None
            status, url, page = self.open(action, fields, stop_at)
        self.cookies.save(ignore_discard=True)
        return status, url, page


def main():
    jar, url, *rest = sys.argv[1:]
    stop_at = rest[0] if rest else None
    status, url, page = Browser(jar).sign_in(url, stop_at)
    if stop_at is None:
        print(page)
    elif status == 0:
        print(url)
    else:
        sys.exit(f"{status} at {url}:\n{page}")


if __name__ == "__main__":
    main()
