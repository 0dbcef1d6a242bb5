//! Pictures of every page, at a phone's and a desktop's width, light and dark, in
//! `target/screenshots`. Needs Chromium; as root it is installed, elsewhere the test says SKIPPED.

mod chromium;
mod gallery;
mod site;

use std::{fs, path::Path, thread};

use chromium::Scheme;

/// How many at a time: a picture is mostly waiting for Chromium to start.
const BROWSERS: usize = 4;

#[test]
fn every_page_can_be_looked_at() {
    let browser = match chromium::find_or_install() {
        Ok(browser) => browser,
        Err(reason) => {
            println!("SKIPPED screenshots: {reason}");
            return;
        }
    };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
    fs::create_dir_all(&folder).expect("target can be written");
    let site = site::serve(gallery::pages);
    let shots: Vec<_> = site
        .names()
        .flat_map(|page| [390, 1280].map(|width| (page, width)))
        .flat_map(|(page, width)| [Scheme::Light, Scheme::Dark].map(|it| (page, width, it)))
        .collect();
    thread::scope(|scope| {
        for part in shots.chunks(shots.len().div_ceil(BROWSERS)) {
            let (browser, site, folder) = (&browser, &site, &folder);
            scope.spawn(move || {
                for (page, width, scheme) in part {
                    let picture = folder.join(format!("{page}-{width}-{scheme}.png"));
                    let _ = fs::remove_file(&picture);
                    chromium::screenshot(browser, &site.framed(page, *width), *scheme, &picture);
                    let bytes = fs::metadata(&picture).expect("Chromium wrote the picture").len();
                    assert!(bytes > 2_000, "{} is blank", picture.display());
                }
            });
        }
    });
    println!("{} pages in {}", site.names().count(), folder.display());
}
