//! Colours and their contrast (WCAG 2.2 §1.4.3, §1.4.11), which keep a tenant's branding readable.

use std::fmt;

/// An opaque sRGB colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Color(pub(super) [u8; 3]);

pub(super) const WHITE: Color = Color([255; 3]);
pub(super) const BLACK: Color = Color([0; 3]);

impl Color {
    /// Parses `#rrggbb`, in upper or lower case; `None` for anything else, such as `#rgb` or a name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let part = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).ok();
        Some(Self([part(0)?, part(2)?, part(4)?]))
    }

    /// Relative luminance, from 0 (black) to 1 (white).
    pub(super) fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// The contrast ratio of two colours, from 1 to 21.
    pub(super) fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Black or white, whichever contrasts more with this colour: at least 4.5 to 1 on any colour.
    pub(super) fn text_on(self) -> Self {
        if self.contrast(WHITE) >= self.contrast(BLACK) { WHITE } else { BLACK }
    }

    /// The colour, moved towards black or white only as far as needed for `ratio` on `ground`.
    pub(super) fn readable_on(self, ground: Self, ratio: f64) -> Self {
        let goal = ground.text_on();
        (0..=20u16)
            .map(|step| self.mix(goal, step))
            .find(|color| color.contrast(ground) >= ratio)
            .unwrap_or(goal)
    }

    /// Mixes in `twentieths` parts of `other` out of twenty.
    fn mix(self, other: Self, twentieths: u16) -> Self {
        let mut parts = self.0;
        for (part, target) in parts.iter_mut().zip(other.0) {
            let mixed = u16::from(*part) * (20 - twentieths) + u16::from(target) * twentieths;
            *part = u8::try_from(mixed / 20).expect("a mean of two bytes is a byte");
        }
        Self(parts)
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_only_six_digits() {
        assert_eq!(Color::parse("#2456C8").map(|c| c.to_string()), Some("#2456c8".to_owned()));
        for text in ["2456c8", "#2456c", "#2456c8f", "#ggg000", "#+12+12", "#é456", ""] {
            assert_eq!(Color::parse(text), None, "{text}");
        }
    }

    #[test]
    fn black_on_white_is_twenty_one_to_one() {
        assert!((BLACK.contrast(WHITE) - 21.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn any_colour_can_be_made_readable(color: [u8; 3], ground: [u8; 3]) {
            let (color, ground) = (Color(color), Color(ground));
            prop_assert!(color.contrast(color.text_on()) >= 4.5);
            prop_assert!(color.readable_on(ground, 4.5).contrast(ground) >= 4.5);
        }
    }
}
