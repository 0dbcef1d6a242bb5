//! Validates the appearance of a tenant's pages.

use super::{ProblemList, link, visible_text};
use crate::{
    api::{BrandingLinkSpec, BrandingSpec, LocalizedTextSpec},
    messages::LanguageTag,
    model::{Branding, BrandingLink, LocalizedText},
};

const FIELD: &str = "spec.branding";
const LANGUAGE_MESSAGE: &str = "must be a language tag, such as de or pt-BR";

/// Validates `spec.branding`. Absent, the pages have the default appearance.
pub(super) fn check_branding(
    problems: &mut ProblemList,
    written: Option<&BrandingSpec>,
) -> Branding {
    let written = written.cloned().unwrap_or_default();
    link(problems, &format!("{FIELD}.logoUri"), written.logo_uri.as_deref(), &["https"]);
    let (dark, font) = (written.dark.unwrap_or_default(), written.font.unwrap_or_default());
    for (name, color) in [
        ("primaryColor", &written.primary_color),
        ("backgroundColor", &written.background_color),
        ("dark.primaryColor", &dark.primary_color),
        ("dark.backgroundColor", &dark.background_color),
    ] {
        if color.as_ref().is_some_and(|color| !is_color(color)) {
            let message = "must be a color of the form #rrggbb, such as #0f5fd7";
            problems.invalid(format!("{FIELD}.{name}"), message);
        }
    }
    for (index, name) in font.families.iter().enumerate() {
        if !is_font_name(name) {
            let message = "must be the name of a font: letters, digits, spaces, '-' and '_'";
            problems.invalid(format!("{FIELD}.font.families[{index}]"), message);
        }
    }
    link(problems, &format!("{FIELD}.font.uri"), font.uri.as_deref(), &["https"]);
    if font.uri.is_some() && font.families.is_empty() {
        problems.invalid(format!("{FIELD}.font.families"), "must name the font of the file");
    }
    let default_locale = written.default_locale.as_deref().and_then(LanguageTag::parse);
    if written.default_locale.is_some() && default_locale.is_none() {
        problems.invalid(format!("{FIELD}.defaultLocale"), LANGUAGE_MESSAGE);
    }
    let links = written.links.iter().enumerate();
    Branding {
        logo_uri: written.logo_uri,
        primary_color: written.primary_color,
        background_color: written.background_color,
        dark_primary_color: dark.primary_color,
        dark_background_color: dark.background_color,
        font_families: font.families,
        font_uri: font.uri,
        default_locale,
        links: links.map(|(index, link)| check_link(problems, index, link)).collect(),
        sign_in_hint: localized(problems, &format!("{FIELD}.signInHint"), &written.sign_in_hint),
        support: localized(problems, &format!("{FIELD}.support"), &written.support),
    }
}

fn check_link(
    problems: &mut ProblemList,
    index: usize,
    written: &BrandingLinkSpec,
) -> BrandingLink {
    let field = format!("{FIELD}.links[{index}]");
    link(problems, &format!("{field}.uri"), Some(&written.uri), &["https"]);
    if written.purpose.is_none() && written.text.is_empty() {
        problems.invalid(field.clone(), "must have a purpose or a text");
    }
    BrandingLink {
        uri: written.uri.clone(),
        purpose: problems.supported(format!("{field}.purpose"), written.purpose.as_ref()),
        text: localized(problems, &format!("{field}.text"), &written.text),
    }
}

fn localized(
    problems: &mut ProblemList,
    field: &str,
    written: &[LocalizedTextSpec],
) -> LocalizedText {
    let mut texts: Vec<(LanguageTag, String)> = Vec::with_capacity(written.len());
    for (index, item) in written.iter().enumerate() {
        visible_text(problems, &format!("{field}[{index}].text"), &item.text);
        let field = format!("{field}[{index}].locale");
        match LanguageTag::parse(&item.locale) {
            None => problems.invalid(field, LANGUAGE_MESSAGE),
            Some(tag) if texts.iter().any(|(known, _)| *known == tag) => {
                problems.invalid(field, format!("is a second text for {tag}; remove one of them"));
            }
            Some(tag) => texts.push((tag, item.text.clone())),
        }
    }
    LocalizedText::new(texts)
}

fn is_color(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn is_font_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'_');
    name.len() <= 64
        && name.bytes().all(is_plain)
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{DarkColorsSpec, FontSpec};

    fn text(locale: &str, text: &str) -> LocalizedTextSpec {
        LocalizedTextSpec { locale: locale.to_owned(), text: text.to_owned() }
    }

    fn problems_of(spec: &BrandingSpec) -> Vec<String> {
        let mut problems = ProblemList::default();
        check_branding(&mut problems, Some(spec));
        problems.into_parts().0.into_iter().map(|problem| problem.field.clone()).collect()
    }

    #[test]
    fn whole_branding_is_accepted() {
        let spec = BrandingSpec {
            dark: Some(DarkColorsSpec {
                primary_color: Some("#ffd166".into()),
                background_color: None,
            }),
            font: Some(FontSpec {
                families: vec!["Source Sans 3".into(), "sans-serif".into()],
                uri: Some("https://cdn.test/f.woff2".into()),
            }),
            links: vec![BrandingLinkSpec {
                uri: "https://shop.test/imprint".into(),
                purpose: None,
                text: vec![text("de", "Impressum")],
            }],
            sign_in_hint: vec![text("en", "Use your account."), text("de", "Mit Konto.")],
            ..BrandingSpec::default()
        };
        assert_eq!(problems_of(&spec), [""; 0]);
    }

    #[test]
    fn markup_and_scripts_are_refused() {
        let font = |family: &str, uri: Option<&str>| BrandingSpec {
            font: Some(FontSpec { families: vec![family.to_owned()], uri: uri.map(str::to_owned) }),
            ..BrandingSpec::default()
        };
        let link = |uri: &str, text: Vec<LocalizedTextSpec>| BrandingSpec {
            links: vec![BrandingLinkSpec { uri: uri.to_owned(), purpose: None, text }],
            ..BrandingSpec::default()
        };
        let hint = |texts: Vec<LocalizedTextSpec>| BrandingSpec {
            sign_in_hint: texts,
            ..BrandingSpec::default()
        };
        for (spec, field) in [
            (font("a\";}body{x", None), "spec.branding.font.families[0]"),
            (font("", None), "spec.branding.font.families[0]"),
            (font("A", Some("http://cdn.test/f")), "spec.branding.font.uri"),
            (link("javascript:alert(1)", vec![text("en", "x")]), "spec.branding.links[0].uri"),
            (link("https://x.test", vec![]), "spec.branding.links[0]"),
            (hint(vec![text("en", "a\u{202e}b")]), "spec.branding.signInHint[0].text"),
            (hint(vec![text("en_US", "a")]), "spec.branding.signInHint[0].locale"),
            (hint(vec![text("de", "a"), text("DE", "b")]), "spec.branding.signInHint[1].locale"),
        ] {
            assert_eq!(problems_of(&spec), [field]);
        }
    }
}
