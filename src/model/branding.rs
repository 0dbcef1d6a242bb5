//! The appearance of a tenant's pages.

use super::wire_enum::wire_enum;
use crate::messages::LanguageTag;

/// The appearance of pages. Contains values and words only, no markup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Branding {
    /// The https URL of an image.
    pub logo_uri: Option<String>,
    /// The color of buttons and links, `#rrggbb`.
    pub primary_color: Option<String>,
    /// The background color of pages, `#rrggbb`.
    pub background_color: Option<String>,
    /// The color of buttons and links on dark devices, `#rrggbb`.
    pub dark_primary_color: Option<String>,
    /// The background color of pages on dark devices, `#rrggbb`.
    pub dark_background_color: Option<String>,
    /// The names of fonts: letters, digits, spaces, `-` and `_`.
    pub font_families: Vec<String>,
    /// The https URL of a file with the first font.
    pub font_uri: Option<String>,
    /// The language of people whose browser asks for none that is known.
    pub default_locale: Option<LanguageTag>,
    /// The links at the foot of pages.
    pub links: Vec<BrandingLink>,
    /// The words above the form of the sign-in page.
    pub sign_in_hint: LocalizedText,
    /// The words about where people find help.
    pub support: LocalizedText,
}

/// A link at the foot of pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrandingLink {
    /// The https URL that the link leads to.
    pub uri: String,
    /// The subject of the link, which names it in each language of the installation if `text` is empty.
    pub purpose: Option<LinkPurpose>,
    /// The name of the link; never empty if `purpose` is `None`.
    pub text: LocalizedText,
}

wire_enum!(
    /// The subject of a tenant's link.
    LinkPurpose {
        /// How data about people are used.
        Privacy = "Privacy",
        /// The terms of the service.
        Terms = "Terms",
        /// Help with signing in.
        Help = "Help",
    }
);

/// A text in some languages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalizedText(Vec<(LanguageTag, String)>);

impl LocalizedText {
    /// A text in these languages, which are unique.
    pub fn new(texts: Vec<(LanguageTag, String)>) -> Self {
        Self(texts)
    }

    /// The text for a page in a language. The order is: this language, a more general one, English, the first text.
    /// `None` for a text in no language.
    pub fn for_language(&self, tag: &LanguageTag) -> Option<&str> {
        let ranges = tag.with_shorter_ones().chain(["en"]);
        let find = |range: &str| self.0.iter().find(|(known, _)| known.as_str() == range);
        let found = ranges.into_iter().find_map(find).or_else(|| self.0.first());
        found.map(|(_, text)| text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_that_of_the_nearest_language() {
        let tag = |text: &str| LanguageTag::parse(text).expect("a tag");
        let text = |languages: &[&str]| {
            LocalizedText::new(languages.iter().map(|it| (tag(it), (*it).to_owned())).collect())
        };
        for (languages, wanted, expected) in [
            (&["en", "de"] as &[_], "de-AT", Some("de")),
            (&["de-AT", "de"], "de-AT", Some("de-AT")),
            (&["fr", "en"], "de", Some("en")),
            (&["fr"], "de", Some("fr")),
            (&[], "de", None),
        ] {
            assert_eq!(text(languages).for_language(&tag(wanted)), expected, "{languages:?}");
        }
    }
}
