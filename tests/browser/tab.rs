//! A browser tab, controlled by mouse, keys, URLs and the Back button.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::chromium::{Chromium, WAIT_TIMEOUT, text};

/// A tab of a browser context.
pub struct Tab {
    browser: &'static Chromium,
    context: String,
    session: String,
}

impl Tab {
    /// Opens a tab, which shares cookies with the other tabs of its context.
    pub async fn open(browser: &'static Chromium, context: String) -> Self {
        let blank = json!({"url": "about:blank", "browserContextId": context});
        let target = text(&browser.ask(None, "Target.createTarget", blank).await, "targetId");
        let attach = json!({"targetId": target, "flatten": true});
        let attached = browser.ask(None, "Target.attachToTarget", attach).await;
        let tab = Self { browser, context, session: text(&attached, "sessionId") };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            tab.ask(&format!("{domain}.enable"), json!({})).await;
        }
        tab
    }

    /// Opens another tab in the same context.
    pub async fn another(&self) -> Self {
        Self::open(self.browser, self.context.clone()).await
    }

    /// Calls a method of this tab.
    pub async fn ask(&self, method: &str, params: Value) -> Value {
        self.browser.ask(Some(&self.session), method, params).await
    }

    /// Opens a URL and waits for the page that it leads to.
    pub async fn goto(&self, url: &str) {
        self.eval("window.left = true").await;
        self.ask("Page.navigate", json!({"url": url})).await;
        self.until("!window.left && document.readyState === 'complete'").await;
    }

    /// The value of an expression, promises awaited; an exception fails the test.
    pub async fn eval(&self, expression: &str) -> Value {
        self.try_eval(expression).await.unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    async fn try_eval(&self, expression: &str) -> Result<Value, String> {
        let params = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true,
            "userGesture": false,
        });
        let done = self.browser.try_ask(Some(&self.session), "Runtime.evaluate", params).await?;
        match done.get("exceptionDetails") {
            Some(details) => Err(details.to_string()),
            None => Ok(done["result"]["value"].clone()),
        }
    }

    /// Waits until an expression is true, across navigations.
    pub async fn until(&self, expression: &str) {
        self.until_some(&format!("!!({expression}) || null")).await;
    }

    /// Waits until an expression has a value other than `null`, across navigations, and returns it.
    async fn until_some(&self, expression: &str) -> Value {
        let deadline = Instant::now() + WAIT_TIMEOUT;
        let mut last = Ok(Value::Null);
        while Instant::now() < deadline {
            last = self.try_eval(expression).await;
            if let Ok(value) = &last
                && !value.is_null()
            {
                return value.clone();
            }
            sleep(Duration::from_millis(20)).await;
        }
        let here = self.try_eval("location.href + '\\n' + document.body.innerText").await;
        panic!("not in time: {expression}: {last:?} at {here:?}; {:?}", self.violations());
    }

    /// Waits for the page with this heading.
    pub async fn sees(&self, heading: &str) {
        let heading = json!(heading);
        let shown = format!("document.querySelector('h1')?.innerText === {heading}");
        self.until(&format!("document.readyState === 'complete' && {shown}")).await;
    }

    /// Waits until the URL starts with the given text, and returns it.
    pub async fn arrives(&self, url: &str) -> String {
        let begins = format!("location.href.startsWith({})", json!(url));
        let arrived =
            format!("document.readyState === 'complete' && {begins} ? location.href : null");
        self.until_some(&arrived).await.as_str().expect("text").to_owned()
    }

    pub async fn url(&self) -> String {
        self.eval("location.href").await.as_str().expect("text").to_owned()
    }

    /// The visible text of the page.
    pub async fn shown(&self) -> String {
        self.eval("document.body.innerText").await.as_str().expect("text").to_owned()
    }

    /// Clicks the middle of an element a number of times; an element that covers it gets the clicks.
    pub async fn click(&self, selector: &str) {
        self.click_times(selector, 1).await;
    }

    pub async fn click_times(&self, selector: &str, times: u32) {
        // One expression: a page that is left between two would have no such element any more.
        let find = format!(
            "(() => {{ const it = document.querySelector({}); if (!it) return null;
              it.scrollIntoView({{block: 'center'}});
              const box = it.getBoundingClientRect();
              return [box.x + box.width / 2, box.y + box.height / 2]; }})()",
            json!(selector)
        );
        let place = self.until_some(&find).await;
        for count in 1..=times {
            for kind in ["mousePressed", "mouseReleased"] {
                let event = json!({
                    "type": kind, "x": place[0], "y": place[1], "button": "left",
                    "clickCount": count,
                });
                self.ask("Input.dispatchMouseEvent", event).await;
            }
        }
    }

    /// Types into the focused element.
    pub async fn types(&self, what: &str) {
        self.ask("Input.insertText", json!({"text": what})).await;
    }

    /// Presses and releases a key, by its name in the DOM (`Tab`, `Enter`, …).
    pub async fn presses(&self, key: &str) {
        let (code, typed) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            " " => (32, " "),
            other => panic!("{other} is not known here"),
        };
        for kind in ["keyDown", "keyUp"] {
            let typed = if kind == "keyDown" { typed } else { "" };
            let event = json!({
                "type": kind, "key": key, "windowsVirtualKeyCode": code, "text": typed,
            });
            self.ask("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Goes back one page in the tab's history.
    pub async fn back(&self) {
        let history = self.history().await;
        let now = history["currentIndex"].as_u64().expect("a number");
        let before = &history["entries"][usize::try_from(now).expect("small") - 1]["id"];
        self.ask("Page.navigateToHistoryEntry", json!({"entryId": before})).await;
        let deadline = Instant::now() + WAIT_TIMEOUT;
        while self.history().await["currentIndex"] == now {
            assert!(Instant::now() < deadline, "still at {}", history["entries"]);
            sleep(Duration::from_millis(20)).await;
        }
        self.until("document.readyState === 'complete'").await;
    }

    /// The tab's history. Retries, because there is no page to ask during a navigation.
    async fn history(&self) -> Value {
        let deadline = Instant::now() + WAIT_TIMEOUT;
        loop {
            let session = Some(self.session.as_str());
            let asked = self.browser.try_ask(session, "Page.getNavigationHistory", json!({})).await;
            match asked {
                Ok(history) => return history,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Disables the page's scripts.
    pub async fn without_scripts(&self) {
        self.ask("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    }

    /// Sets the width of the window and the colour scheme.
    pub async fn looks(&self, width: u32, dark: bool) {
        self.is_sized((width, 900), dark).await;
    }

    /// Sets width and height of the window, and the colour scheme.
    pub async fn is_sized(&self, (width, height): (u32, u32), dark: bool) {
        let mobile = width < 600;
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile});
        self.ask("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = if dark { "dark" } else { "light" };
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.ask("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }

    /// A screenshot (PNG) of the whole page.
    pub async fn picture(&self) -> Vec<u8> {
        let whole =
            json!({"format": "png", "captureBeyondViewport": true, "optimizeForSpeed": true});
        let picture = self.ask("Page.captureScreenshot", whole).await;
        STANDARD.decode(text(&picture, "data")).expect("base64")
    }

    /// The events of one kind that the browser sent for this tab.
    pub fn events(&self, method: &str) -> Vec<Value> {
        self.browser.events(&self.session, method)
    }

    /// Waits until the browser logs a violation that contains the given text.
    pub async fn complains(&self, of: &str) {
        let deadline = Instant::now() + WAIT_TIMEOUT;
        while !self.violations().iter().any(|it| it.contains(of)) {
            let logged = self.events("Log.entryAdded");
            assert!(Instant::now() < deadline, "no violation with {of}: {logged:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits for an event and returns the first of its kind.
    pub async fn event(&self, method: &str) -> Value {
        let deadline = Instant::now() + WAIT_TIMEOUT;
        loop {
            if let Some(event) = self.events(method).into_iter().next() {
                return event;
            }
            assert!(Instant::now() < deadline, "no {method} in time");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Security errors that the browser logged, CSP violations among them.
    pub fn violations(&self) -> Vec<String> {
        let entries = self.events("Log.entryAdded").into_iter();
        let security = entries.map(|event| event["entry"].clone()).filter(|it| {
            it["source"] == "security"
                || it["text"].as_str().is_some_and(|it| it.contains("Policy"))
        });
        security.map(|entry| entry["text"].to_string()).collect()
    }
}
