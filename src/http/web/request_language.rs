//! The language of a request's pages.

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderValue, header};

use crate::{
    messages::{LanguagePreferences, LanguageTag, Languages, MessageCatalog},
    protocol::params::{RequestParams, UI_LOCALES},
};

/// The language of a request's pages. It is chosen when the first page is rendered: most requests have
/// none.
#[derive(Debug)]
pub struct RequestLanguage {
    languages: Arc<Languages>,
    query: String,
    accept_language: Option<HeaderValue>,
    default: Option<LanguageTag>,
    /// Chosen by `ui_locales` of the authorization request (OIDC Core §3.1.2.1); it takes precedence.
    requested: OnceLock<Arc<MessageCatalog>>,
    /// Chosen by `ui_locales` of the query, `Accept-Language` and the tenant's default, in this order.
    usual: OnceLock<Arc<MessageCatalog>>,
}

impl RequestLanguage {
    /// The language of a request with these headers and query. `default` is that of the tenant.
    pub(crate) fn new(
        languages: Arc<Languages>,
        headers: &HeaderMap,
        query: &str,
        default: Option<&LanguageTag>,
    ) -> Self {
        Self {
            languages,
            query: if query.contains(UI_LOCALES) { query.to_owned() } else { String::new() },
            accept_language: headers.get(header::ACCEPT_LANGUAGE).cloned(),
            default: default.cloned(),
            requested: OnceLock::new(),
            usual: OnceLock::new(),
        }
    }

    /// Uses the languages that an application asked for (`ui_locales`), if one of them is known.
    pub(crate) fn request(&self, ui_locales: Option<&str>) {
        if let Some(found) = ui_locales.and_then(|text| self.languages.by_ui_locales(text)) {
            // The first one is used.
            let _ = self.requested.set(Arc::clone(found));
        }
    }

    /// The texts of the pages.
    pub fn text(&self) -> &MessageCatalog {
        self.requested.get().unwrap_or_else(|| self.usual.get_or_init(|| self.choose_usual()))
    }

    /// The language, if `ui_locales` chose it, for the request that follows.
    pub(crate) fn requested_tag(&self) -> Option<&LanguageTag> {
        if self.requested.get().is_none() {
            self.request(self.query_ui_locales().as_deref());
        }
        self.requested.get().map(|catalog| catalog.tag())
    }

    fn choose_usual(&self) -> Arc<MessageCatalog> {
        let ui_locales = self.query_ui_locales();
        let preferences = LanguagePreferences {
            ui_locales: ui_locales.as_deref(),
            accept_language: self.accept_language.as_ref().and_then(|it| it.to_str().ok()),
            default: self.default.as_ref(),
        };
        Arc::clone(self.languages.choose(preferences))
    }

    fn query_ui_locales(&self) -> Option<String> {
        let params = RequestParams::read(self.query.as_bytes()).ok()?;
        params.get(UI_LOCALES).map(str::to_owned)
    }
}
