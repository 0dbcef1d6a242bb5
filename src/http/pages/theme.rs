//! A tenant's colours as a style sheet that stays readable: text on buttons is black or white, and
//! links and edges are darkened or lightened until they contrast with their background.

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
    if accent.is_none() && page.is_none() {
        return None;
    }
    let light = rules(accent, page, WHITE);
    let dark = rules(accent, page.filter(|page| page.luminance() < DARKEST), DARK_CARD);
    Some(format!(
        ":root{{{light}}}\n@media (prefers-color-scheme: dark){{:root{{{DARK_RESET}{dark}}}}}\n"
    ))
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
    fn card_colors_match_the_stylesheet() {
        assert!(super::super::assets::STYLE.contains(&format!("--card: {DARK_CARD};")));
    }
}
