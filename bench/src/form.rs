//! Forms of unknown pages: their target, and the values that they send if nothing is typed.

use anyhow::{Context, Result};
use scraper::{ElementRef, Html, Selector};
use url::Url;

/// One form of a page, with the values that it already holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Form {
    pub action: Url,
    pub post: bool,
    pub fields: Vec<(String, String)>,
    /// Names of the fields for name and password, if the form asks for a password.
    pub password: Option<Login>,
}

/// Fields of a form that asks for a name and a password.
#[derive(Debug, PartialEq, Eq)]
pub struct Login {
    pub username: Option<String>,
    pub password: String,
}

impl Form {
    /// The form of a page: the one with a password field, else the first.
    ///
    /// # Errors
    ///
    /// The page holds no form.
    pub fn find(page: &str, url: &Url) -> Result<Self> {
        let html = Html::parse_document(page);
        let all = selector("form");
        let forms =
            html.select(&all).map(|form| Self::read(form, url)).collect::<Result<Vec<_>>>()?;
        let asks = forms.iter().position(|form| form.password.is_some()).unwrap_or(0);
        forms.into_iter().nth(asks).with_context(|| format!("{url} shows a page without a form"))
    }

    /// The form of a page that a CSS selector finds.
    ///
    /// # Errors
    ///
    /// The page holds no such form.
    pub fn select(page: &str, url: &Url, css: &str) -> Result<Self> {
        let html = Html::parse_document(page);
        let form = html.select(&selector(css)).next();
        Self::read(form.with_context(|| format!("{url} shows a page without {css}"))?, url)
    }

    fn read(form: ElementRef<'_>, url: &Url) -> Result<Self> {
        let mut read = Self {
            action: url.join(form.attr("action").unwrap_or_default())?,
            post: form.attr("method").is_some_and(|method| method.eq_ignore_ascii_case("post")),
            fields: Vec::new(),
            password: None,
        };
        let (mut typed, mut secret, mut pressed) = (None, None, false);
        for field in form.select(&selector("input, button")) {
            let Some(name) = field.attr("name").map(str::to_owned) else { continue };
            let value = field.attr("value").unwrap_or_default().to_owned();
            let kind = field.attr("type").unwrap_or(if field.value().name() == "button" {
                "submit"
            } else {
                "text"
            });
            match kind {
                "password" => secret = Some(name),
                "text" | "email" => typed = typed.or(Some(name)),
                "submit" if !pressed => {
                    pressed = true;
                    read.fields.push((name, value));
                }
                "checkbox" | "radio" if field.attr("checked").is_none() => {}
                "submit" | "button" | "reset" | "image" | "file" => {}
                _ => read.fields.push((name, value)),
            }
        }
        read.password = secret.map(|password| Login { username: typed, password });
        Ok(read)
    }

    /// The body that a browser sends after a user has typed and pressed the first button.
    pub fn filled(&self, username: &str, password: &str) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(&self.fields);
        if let Some(login) = &self.password {
            if let Some(field) = &login.username {
                form.append_pair(field, username);
            }
            form.append_pair(&login.password, password);
        }
        form.finish()
    }
}

fn selector(text: &str) -> Selector {
    Selector::parse(text).expect("a selector of this program is well formed")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"
        <form action="/search"><input name="q"></form>
        <form action="/login?flow=1" method="POST">
          <input type="hidden" name="csrf" value="a&amp;b"><input name="user"><input type="password" name="pass">
          <input type="checkbox" name="remember" value="1"><button name="go" value="in">Sign in</button>
          <button name="go" value="cancel">Cancel</button>
        </form>"#;

    fn url() -> Url {
        Url::parse("https://id.example/tenant/page").expect("a URL")
    }

    #[test]
    fn the_form_with_a_password_field_is_found_and_filled() {
        let form = Form::find(PAGE, &url()).expect("a form");
        assert_eq!(form.action.as_str(), "https://id.example/login?flow=1");
        assert!(form.post);
        assert_eq!(form.filled("ada", "p w"), "csrf=a%26b&go=in&user=ada&pass=p+w");
    }

    #[test]
    fn a_form_without_a_password_is_sent_by_its_first_button() {
        let page = r#"<form method="post"><input type="hidden" name="t" value="1"><button name="consent" value="yes">Allow</button></form>"#;
        let form = Form::find(page, &url()).expect("a form");
        assert_eq!(
            (form.action.as_str(), form.filled("ada", "x").as_str()),
            (url().as_str(), "t=1&consent=yes")
        );
    }

    #[test]
    fn a_page_without_a_form_is_an_error() {
        assert!(Form::find("<p>Hello</p>", &url()).is_err());
    }
}
