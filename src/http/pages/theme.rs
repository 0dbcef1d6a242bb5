//! A tenant's colours as a stylesheet, readable whatever they are: text on buttons is black or
//! white, links and edges are darkened or lightened until they contrast with their ground.

use super::color::{Color, WHITE};
use crate::model::Branding;

/// Cards as `style.css` has them: what links and edges stand on.
const DARK_CARD: Color = Color([0x19, 0x1c, 0x22]);
/// Backgrounds darker than this stay in the dark scheme; brighter ones would blind.
const DARKEST: f64 = 0.05;
/// WCAG AA for text, and for the edges of controls.
const TEXT: f64 = 4.5;
const EDGE: f64 = 3.0;

/// The stylesheet of a tenant's colours; `None` if it has none.
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

/// What the dark scheme takes back of a light background.
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
    fn puts_black_on_bright_buttons() {
        let css = theme(Some("#ffdd00"), None).expect("has a colour");
        assert!(css.contains("--accent:#ffdd00;--accent-text:#000000;"), "{css}");
    }

    #[test]
    fn keeps_a_bright_background_out_of_the_dark_scheme() {
        let css = theme(None, Some("#ffffff")).expect("has a colour");
        let (light, dark) = css.split_once("@media").expect("has both schemes");
        assert!(light.contains("--page:#ffffff;--page-text:#000000;"), "{light}");
        assert!(!dark.contains("#ffffff"), "{dark}");
    }

    #[test]
    fn knows_the_card_of_the_stylesheet() {
        assert!(super::super::assets::STYLE.contains(&format!("--card: {DARK_CARD};")));
    }
}
