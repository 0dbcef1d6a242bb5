//! The languages of an installation, and the choice among them.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use super::{
    catalog::MessageCatalog,
    file::MessageFile,
    language_tag::{LanguageTag, truncate_range},
};

const ENGLISH: &str = include_str!("../../locales/en.yaml");
const GERMAN: &str = include_str!("../../locales/de.yaml");

/// Most languages of a request that are looked at.
const MAX_RANGES: usize = 32;

static BUILT_IN: LazyLock<Arc<Languages>> = LazyLock::new(|| {
    let complete = |tag: &str, text: &str| {
        let tag = LanguageTag::parse(tag).expect("a tag");
        MessageCatalog::complete(tag, MessageFile::parse(text).0.texts)
            .expect("a test ensures that the file has all messages")
    };
    let catalogs = [complete("en", ENGLISH), complete("de", GERMAN)];
    Arc::new(Languages { catalogs: catalogs.into_iter().map(Arc::new).collect() })
});

/// The initial texts of a file for another language. They are the texts of the language, or else the English ones.
pub fn message_template(tag: &LanguageTag) -> &'static str {
    if tag.language() == "de" { GERMAN } else { ENGLISH }
}

/// The languages of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Languages {
    /// The texts of each language. English is the first.
    catalogs: Box<[Arc<MessageCatalog>]>,
}

/// The languages that a person wants, the most important first.
#[derive(Clone, Copy, Debug, Default)]
pub struct LanguagePreferences<'a> {
    /// `ui_locales` (OIDC Core §3.1.2.1).
    pub ui_locales: Option<&'a str>,
    /// The header `Accept-Language` (RFC 9110 §12.5.4).
    pub accept_language: Option<&'a str>,
    /// The default language of the tenant (`spec.branding.defaultLocale`).
    pub default: Option<&'a LanguageTag>,
}

impl Default for Languages {
    /// The built-in languages: English and German.
    fn default() -> Self {
        Self { catalogs: BUILT_IN.catalogs.clone() }
    }
}

impl Languages {
    /// The built-in languages: English and German.
    pub fn built_in() -> Arc<Self> {
        Arc::clone(&BUILT_IN)
    }

    /// The languages with those of files. A file changes the texts of its language. Messages that it
    /// lacks are those of the language that its tag begins with, or the English ones.
    #[must_use]
    pub fn with_files(&self, files: &BTreeMap<LanguageTag, MessageFile>) -> Self {
        let mut found = Self { catalogs: self.catalogs.clone() };
        // A tag sorts before those that begin with it.
        for (tag, file) in files {
            let base = found.by_tag(tag.as_str()).or_else(|| found.lookup(tag.truncated()?));
            let catalog =
                Arc::new(base.unwrap_or(&found.catalogs[0]).over(tag.clone(), &file.texts));
            let same = found.catalogs.iter().position(|known| known.tag() == tag);
            if let Some(at) = same {
                found.catalogs[at] = catalog;
            } else {
                let catalogs = found.catalogs.iter().cloned().chain([catalog]);
                found.catalogs = catalogs.collect();
            }
        }
        found
    }

    /// The tags of the languages.
    pub fn tags(&self) -> impl Iterator<Item = &LanguageTag> {
        self.catalogs.iter().map(|catalog| catalog.tag())
    }

    /// Returns true if there are texts for a language, or for the one that its tag begins with.
    pub fn has_texts_for(&self, tag: &LanguageTag) -> bool {
        self.lookup(tag.as_str()).is_some()
    }

    /// The English texts, which each installation has.
    pub fn english(&self) -> &Arc<MessageCatalog> {
        &self.catalogs[0]
    }

    /// The language for a person: by the first preference that a language fulfils, else English.
    pub fn choose(&self, preferences: LanguagePreferences<'_>) -> &Arc<MessageCatalog> {
        let by_parameter = || self.by_ui_locales(preferences.ui_locales?);
        let by_header = || self.by_accept_language(preferences.accept_language?);
        let by_tenant = || self.lookup(preferences.default?.as_str());
        by_parameter().or_else(by_header).or_else(by_tenant).unwrap_or_else(|| self.english())
    }

    /// The language for `ui_locales`: tags with spaces between, in order of preference.
    pub fn by_ui_locales(&self, text: &str) -> Option<&Arc<MessageCatalog>> {
        text.split_ascii_whitespace().take(MAX_RANGES).find_map(|range| self.find(range))
    }

    fn by_accept_language(&self, text: &str) -> Option<&Arc<MessageCatalog>> {
        let mut ranges: Vec<_> =
            text.split(',').take(MAX_RANGES).filter_map(weighted_range).collect();
        // The sort is stable: among equals the first is used.
        ranges.sort_by_key(|(_, weight)| Reverse(*weight));
        // Any language is as good as the tenant's.
        let named = ranges.iter().take_while(|(range, _)| *range != "*");
        named.filter(|(_, weight)| *weight > 0).find_map(|(range, _)| self.find(range))
    }

    /// The language of a range: by lookup, or the first that begins with it.
    fn find(&self, range: &str) -> Option<&Arc<MessageCatalog>> {
        self.lookup(range).or_else(|| {
            let begins = |catalog: &&Arc<MessageCatalog>| {
                let tag = catalog.tag().as_str();
                tag.get(..range.len()).is_some_and(|it| it.eq_ignore_ascii_case(range))
                    && tag.as_bytes().get(range.len()) == Some(&b'-')
            };
            self.catalogs.iter().find(begins)
        })
    }

    /// The language of a range, which is shortened until there is one (RFC 4647 §3.4).
    fn lookup(&self, range: &str) -> Option<&Arc<MessageCatalog>> {
        let mut range = range;
        loop {
            if let Some(found) = self.by_tag(range) {
                return Some(found);
            }
            range = truncate_range(range)?;
        }
    }

    fn by_tag(&self, tag: &str) -> Option<&Arc<MessageCatalog>> {
        self.catalogs.iter().find(|catalog| catalog.tag().as_str().eq_ignore_ascii_case(tag))
    }
}

/// A range and its weight in thousandths (RFC 9110 §12.4.2).
fn weighted_range(item: &str) -> Option<(&str, u16)> {
    let (range, parameter) = item.split_once(';').unwrap_or((item, "q=1"));
    let weight = parameter.trim().strip_prefix(['q', 'Q'])?.trim_start().strip_prefix('=')?.trim();
    let range = range.trim();
    (!range.is_empty()).then_some((range, thousandths(weight)?))
}

/// A weight between 0 and 1 with at most three decimals.
fn thousandths(weight: &str) -> Option<u16> {
    let (whole, decimals) = weight.split_once('.').unwrap_or((weight, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(part),
        "1" if part == 0 => Some(1000),
        _ => None,
    }
}
