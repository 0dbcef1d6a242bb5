//! QR codes as the outline of their dark squares, for inline SVG.

use std::fmt::Write;

use qrcode::{Color, EcLevel, QrCode};

/// Light squares around the code that scanners need.
const QUIET_ZONE: usize = 4;

/// A QR code, drawn as one SVG path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct QrImage {
    /// Squares of a side, with the quiet zone.
    pub(super) size: usize,
    /// The dark squares, as the data of an SVG path.
    pub(super) path: String,
}

impl QrImage {
    /// The code of a text. `None` if the text is too long.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (at, color) in code.to_colors().into_iter().enumerate() {
            if color == Color::Dark {
                let (x, y) = (at % width + QUIET_ZONE, at / width + QUIET_ZONE);
                write!(path, "M{x} {y}h1v1h-1z").expect("writing to memory does not fail");
            }
        }
        Some(Self { size: width + 2 * QUIET_ZONE, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_finders_and_a_quiet_zone() {
        let image = QrImage::of_text("otpauth://totp/Shop:ada?secret=GEZDGNBV").expect("it fits");
        let dark = |x: usize, y: usize| image.path.contains(&format!("M{x} {y}h"));
        for (x, y) in [(4, 4), (image.size - 5, 4), (4, image.size - 5)] {
            assert!(dark(x, y), "{x} {y}: the corner of a finder pattern");
        }
        assert!(!dark(3, 4) && !dark(image.size - 4, 4) && !dark(5, 5));
        assert_eq!(QrImage::of_text(&"x".repeat(5000)), None);
    }
}
