//! A tenant's colours and font as a style sheet that stays readable: text on buttons is black or white, and
//! links and edges are darkened or lightened until they contrast with their background.

use std::fmt::Write as _;

use url::Url;

use super::color::{Color, WHITE};
use crate::model::Branding;

/// The card colours of `style.css`, the background of links and edges.
const DARK_CARD: Color = Color([0x19, 0x1c, 0x22]);
/// Backgrounds darker than this are kept in the dark scheme; brighter ones would glare.
const DARKEST: f64 = 0.05;
/// Minimum contrast for text (WCAG AA).
const TEXT: f64 = 4.5;
const EDGE: f64 = 3.0;

/// The style sheet of a tenant's colours; `None` if it has no colours.
pub fn theme_css(branding: &Branding) -> Option<String> {
    let color = |text: &Option<String>| text.as_deref().and_then(Color::parse);
    let (accent, page) = (color(&branding.primary_color), color(&branding.background_color));
    let dark_accent = color(&branding.dark_primary_color).or(accent);
    let dark_page =
        color(&branding.dark_background_color).or(page.filter(|page| page.luminance() < DARKEST));
    let light = rules(accent, page, WHITE);
    let dark = rules(dark_accent, dark_page, DARK_CARD);
    let mut css = font_css(branding);
    if !light.is_empty() || !dark.is_empty() {
        let reset = if page.is_some() { DARK_RESET } else { "" };
        let _ = writeln!(
            css,
            ":root{{{light}}}\n@media (prefers-color-scheme: dark){{:root{{{reset}{dark}}}}}"
        );
    }
    (!css.is_empty()).then_some(css)
}

/// The fonts of the style sheet, which follow those of the tenant.
const FALLBACK_FONTS: &str =
    "system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",\"Noto Sans\",sans-serif";
/// Families of CSS, which have no quotes (CSS Fonts 4 §2.1.3).
const GENERIC_FONTS: [&str; 8] = [
    "cursive",
    "fantasy",
    "monospace",
    "sans-serif",
    "serif",
    "system-ui",
    "ui-rounded",
    "ui-serif",
];

/// The font of the pages. A name that is not a plain one is left out; validation refuses it too.
fn font_css(branding: &Branding) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b" -_".contains(&byte);
    let names = branding.font_families.iter().filter(|it| it.bytes().all(is_plain));
    let names: Vec<_> = names
        .map(|name| match name.to_ascii_lowercase() {
            generic if GENERIC_FONTS.contains(&&*generic) => generic,
            _ => format!("\"{name}\""),
        })
        .collect();
    let Some(first) = names.first() else { return String::new() };
    let mut css = String::new();
    // The parser of URLs escapes what could end the string.
    let file = branding.font_uri.as_deref().and_then(|uri| Url::parse(uri).ok());
    if let Some(file) = file.filter(|url| url.scheme() == "https") {
        let _ = writeln!(
            css,
            "@font-face{{font-family:{first};src:url(\"{file}\");font-display:swap}}"
        );
    }
    let _ = writeln!(css, "body{{font-family:{},{FALLBACK_FONTS}}}", names.join(","));
    css
}

/// Resets a light background in the dark scheme.
const DARK_RESET: &str = "--page:#101216;--page-text:#b9c0cc;";

fn rules(accent: Option<Color>, page: Option<Color>, card: Color) -> String {
    let accent = accent.map(|accent| {
        format!(
            "--accent:{accent};--accent-text:{};--accent-edge:{};--link:{};",
            accent.text_on(),
            accent.readable_on(card, EDGE),
            accent.readable_on(card, TEXT),
        )
    });
    let page = page.map(|page| format!("--page:{page};--page-text:{};", page.text_on()));
    [accent, page].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(primary: Option<&str>, background: Option<&str>) -> Option<String> {
        theme_css(&Branding {
            logo_uri: None,
            primary_color: primary.map(str::to_owned),
            background_color: background.map(str::to_owned),
            ..Branding::default()
        })
    }

    #[test]
    fn is_absent_without_colours() {
        assert_eq!(theme(None, None), None);
        assert_eq!(theme(Some("red;}"), None), None);
    }

    #[test]
    fn uses_black_text_on_bright_buttons() {
        let css = theme(Some("#ffdd00"), None).expect("has a colour");
        assert!(css.contains("--accent:#ffdd00;--accent-text:#000000;"), "{css}");
    }

    #[test]
    fn ignores_a_bright_background_in_the_dark_scheme() {
        let css = theme(None, Some("#ffffff")).expect("has a colour");
        let (light, dark) = css.split_once("@media").expect("has both schemes");
        assert!(light.contains("--page:#ffffff;--page-text:#000000;"), "{light}");
        assert!(!dark.contains("#ffffff"), "{dark}");
    }

    #[test]
    fn the_dark_scheme_has_colours_of_its_own() {
        let branding = Branding {
            primary_color: Some("#002244".into()),
            background_color: Some("#ffffff".into()),
            dark_primary_color: Some("#ffdd00".into()),
            dark_background_color: Some("#332200".into()),
            ..Branding::default()
        };
        let css = theme_css(&branding).expect("has a colour");
        let (light, dark) = css.split_once("@media").expect("has both schemes");
        assert!(light.contains("--accent:#002244;--accent-text:#ffffff;"), "{light}");
        assert!(dark.contains("--accent:#ffdd00;--accent-text:#000000;"), "{dark}");
        assert!(dark.contains("--page:#332200;--page-text:#ffffff;"), "{dark}");
    }

    #[test]
    fn a_font_is_named_and_loaded_without_a_way_out_of_the_style_sheet() {
        let of = |families: &[&str], uri: Option<&str>| {
            let font_families = families.iter().map(|it| (*it).to_owned()).collect();
            let font_uri = uri.map(str::to_owned);
            theme_css(&Branding { font_families, font_uri, ..Branding::default() })
        };
        let css = of(&["Source Sans 3", "Serif"], Some("https://cdn.test/f.woff2?v=1"));
        let css = css.expect("has a font");
        let face =
            "@font-face{font-family:\"Source Sans 3\";src:url(\"https://cdn.test/f.woff2?v=1\")";
        assert!(css.starts_with(face), "{css}");
        assert!(css.contains("body{font-family:\"Source Sans 3\",serif,system-ui,"), "{css}");
        let hostile =
            ["https://cdn.test/\");}*{x:y", "https://cdn.test/f?\");}*{x", "https://cdn.test/\\\n"];
        for uri in hostile {
            let css = of(&["A"], Some(uri)).expect("has a font");
            let inside = css.split("url(\"").nth(1).and_then(|it| it.split("\")").next());
            let inside = inside.expect("a file");
            assert!(!inside.contains(['\"', '\\', '\n']), "{css}");
            assert_eq!(css.matches("font-display:swap}").count(), 1, "{css}");
        }
        assert_eq!(of(&["a\";}"], None), None);
        assert!(!of(&["A"], Some("http://cdn.test/f")).expect("a font").contains("url("));
    }

    #[test]
    fn card_colors_match_the_stylesheet() {
        assert!(super::super::assets::STYLE.contains(&format!("--card: {DARK_CARD};")));
    }
}
