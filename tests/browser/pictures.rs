//! Automatic checks of layout and accessibility of every page, at the width of a narrow phone, a phone and a desktop,
//! and screenshots in `target/screenshots`: two of each page, or with `SCREENSHOTS=all` of every width, light and dark.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::{axe, chromium::Chromium, gallery, site, tab::Tab};

/// A width of the window in pixels and whether the colour scheme is dark, with the checks that are made there.
struct Look {
    width: u32,
    dark: bool,
    /// Whether the rules of axe-core are applied.
    rules: bool,
    /// Whether a picture is taken without `SCREENSHOTS=all`.
    picture: bool,
}

const LOOKS: [Look; 6] = [
    Look { width: 320, dark: false, rules: false, picture: false },
    Look { width: 320, dark: true, rules: false, picture: false },
    Look { width: 1280, dark: true, rules: false, picture: false },
    Look { width: 1280, dark: false, rules: true, picture: true },
    Look { width: 390, dark: false, rules: true, picture: false },
    Look { width: 390, dark: true, rules: true, picture: true },
];

/// The folder of the pictures, and the rules of accessibility.
pub struct Gallery {
    folder: PathBuf,
    rules: Option<String>,
    /// Whether a picture is taken of every look.
    all: bool,
}

impl Gallery {
    pub fn new(rules: Option<String>) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        fs::create_dir_all(&folder).expect("target can be written");
        let all = env::var_os("SCREENSHOTS").is_some_and(|it| it == "all");
        Self { folder, rules, all }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_accessible_and_fits_its_window() {
    let Some(browser) = Chromium::shared() else { return };
    let gallery = Gallery::new(axe::find_or_install());
    let site = site::serve(gallery::pages);
    let names: Vec<&str> = site.names().collect();
    // One tab does not keep two cores busy.
    let halves = names.chunks(names.len().div_ceil(2)).map(async |half| {
        let tab = browser.person().await;
        for page in half {
            tab.goto(&site.page(page)).await;
            judge(&tab, &gallery, page).await;
        }
    });
    futures::future::join_all(halves).await;
    println!("{} pages in {}", names.len(), gallery.folder.display());
}

/// Takes pictures of the page in a tab, and asserts that it is accessible and fits.
pub async fn judge(tab: &Tab, gallery: &Gallery, page: &str) {
    for Look { width, dark, rules, picture } in LOOKS {
        tab.looks(width, dark).await;
        fits(tab, page, width).await;
        if picture || gallery.all {
            let picture = tab.picture().await;
            assert!(picture.len() > 2_000, "{page} is blank");
            let scheme = if dark { "dark" } else { "light" };
            let file = gallery.folder.join(format!("{page}-{width}-{scheme}.png"));
            fs::write(file, picture).expect("written");
        }
        if let Some(text) = gallery.rules.as_ref().filter(|_| rules) {
            axe::check(tab, text, page).await;
        }
    }
    is_dark(tab, page).await;
    is_named(tab, page).await;
}

/// A laptop's screen has 1366 by 768 pixels, of which a browser's own bars take about 120.
const LAPTOP: (u32, u32) = (1366, 648);

#[tokio::test(flavor = "multi_thread")]
async fn pages_fit_a_laptop() {
    let Some(browser) = Chromium::shared() else { return };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
    fs::create_dir_all(&folder).expect("target can be written");
    let site = site::serve(gallery::pages);
    let tab = browser.person().await;
    for page in [
        "consent-six",
        "consent-six-de",
        "sign-in",
        "sign-in-de",
        "error",
        "error-de",
        "base-root",
        "base-root-de",
    ] {
        tab.goto(&site.page(page)).await;
        tab.is_sized(LAPTOP, false).await;
        fs::write(folder.join(format!("{page}-laptop.png")), tab.picture().await).expect("written");
        let high = tab.eval("document.documentElement.scrollHeight").await;
        let high = high.as_u64().expect("a number");
        assert!(high <= LAPTOP.1.into(), "{page} needs {high} of {} pixels", LAPTOP.1);
    }
    // The links and the support contact of a tenant may be below the window, the form may not.
    for page in ["sign-in-branded", "sign-in-branded-de"] {
        tab.goto(&site.page(page)).await;
        tab.is_sized(LAPTOP, false).await;
        fs::write(folder.join(format!("{page}-laptop.png")), tab.picture().await).expect("written");
        let end = "document.querySelector('form button').getBoundingClientRect().bottom";
        let end = tab.eval(end).await.as_f64().expect("a number");
        assert!(end <= LAPTOP.1.into(), "the button of {page} ends at {end} of {}", LAPTOP.1);
    }
}

/// A page needs no horizontal scrolling (WCAG 1.4.10).
async fn fits(tab: &Tab, page: &str, width: u32) {
    let wide = tab.eval("document.documentElement.scrollWidth").await;
    assert!(wide.as_u64().expect("a number") <= width.into(), "{page}: {wide} of {width} pixels");
}

/// The card follows the dark colour scheme of the browser.
async fn is_dark(tab: &Tab, page: &str) {
    let lightness = "getComputedStyle(document.querySelector('.card')).backgroundColor\
                     .match(/\\d+/g).slice(0, 3).reduce((sum, it) => sum + Number(it), 0)";
    let sum = tab.eval(lightness).await;
    assert!(sum.as_u64().expect("a number") < 300, "{page}: the card is not dark");
}

/// A page has a language, a title and one heading, and every control has an accessible name
/// (WCAG 3.1.1, 2.4.2, 4.1.2).
async fn is_named(tab: &Tab, page: &str) {
    let lang = if page.ends_with("-de") { "de" } else { "en" };
    assert_eq!(tab.eval("document.documentElement.lang").await, lang, "{page}");
    let whole = "document.title.length > 0 && document.querySelectorAll('h1').length === 1 \
                 && document.querySelectorAll('main').length === 1 \
                 && [...document.images].every(it => it.hasAttribute('alt'))";
    assert_eq!(tab.eval(whole).await, true, "{page}");
    let tree = tab.ask("Accessibility.getFullAXTree", serde_json::json!({})).await;
    for node in tree["nodes"].as_array().expect("nodes") {
        let role = node["role"]["value"].as_str().unwrap_or_default();
        if ["button", "textbox", "link", "heading", "summary"].contains(&role) {
            let name = node["name"]["value"].as_str().unwrap_or_default();
            assert!(!name.trim().is_empty(), "{page}: a {role} without a name: {node}");
        }
    }
}
