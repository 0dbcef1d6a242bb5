//! Static files of the pages. They are served below every issuer (`I/_lanyard/…`) under names that
//! change with their content, so they can be cached without expiry.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::theme_css;
use crate::model::{Branding, Tenant, sha256};

pub(super) const STYLE: &str = include_str!("../../../templates/pages/style.css");
const ICON: &str = include_str!("../../../templates/pages/icon.svg");

/// The scripts of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageScript {
    /// Submits the form of the form-post page.
    Submit,
    /// Continues when the frames of the sign-out page have loaded.
    SigningOut,
    /// Compares the session state in the check-session iframe.
    CheckSession,
    /// Asks the browser for a passkey.
    Passkey,
}

impl PageScript {
    const ALL: [Self; 4] = [Self::Submit, Self::SigningOut, Self::CheckSession, Self::Passkey];

    const fn name(self) -> &'static str {
        match self {
            Self::Submit => "submit.js",
            Self::SigningOut => "signing-out.js",
            Self::CheckSession => "check-session.js",
            Self::Passkey => "passkey.js",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Submit => include_str!("../../../templates/pages/submit.js"),
            Self::SigningOut => include_str!("../../../templates/pages/signing_out.js"),
            Self::CheckSession => include_str!("../../../templates/pages/check_session.js"),
            Self::Passkey => include_str!("../../../templates/pages/passkey.js"),
        }
    }
}

static STYLE_VERSION: LazyLock<String> = LazyLock::new(|| version(STYLE));
static ICON_VERSION: LazyLock<String> = LazyLock::new(|| version(ICON));

/// A static file of the pages, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticAsset {
    /// The value of the header `Content-Type`.
    pub content_type: &'static str,
    /// The text of the file.
    pub body: String,
}

/// Returns the file at `name` below `I/_lanyard/`: `style.css`, `icon.svg`, the tenant's
/// `theme.css`, or a script.
pub fn static_asset(name: &str, tenant: Option<&Tenant>) -> Option<StaticAsset> {
    let css = "text/css; charset=utf-8";
    let (content_type, body) = match name {
        "style.css" => (css, STYLE.to_owned()),
        "theme.css" => (css, tenant.and_then(|tenant| theme_css(&tenant.branding))?),
        "icon.svg" => ("image/svg+xml", ICON.to_owned()),
        name => {
            let script = PageScript::ALL.into_iter().find(|script| script.name() == name)?;
            ("text/javascript; charset=utf-8", script.text().to_owned())
        }
    };
    Some(StaticAsset { content_type, body })
}

/// The URL of the style sheet; `base` is the issuer's path.
pub(super) fn style_url(base: &str) -> String {
    format!("{base}/_lanyard/style.css?v={}", *STYLE_VERSION)
}

pub(super) fn script_url(base: &str, script: PageScript) -> String {
    format!("{base}/_lanyard/{}?v={}", script.name(), version(script.text()))
}

pub(super) fn icon_url(base: &str) -> String {
    format!("{base}/_lanyard/icon.svg?v={}", *ICON_VERSION)
}

pub(super) fn theme_url(base: &str, branding: &Branding) -> Option<String> {
    theme_css(branding).map(|css| format!("{base}/_lanyard/theme.css?v={}", version(&css)))
}

fn version(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(&sha256(text)[..9])
}
