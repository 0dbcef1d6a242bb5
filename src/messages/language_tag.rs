//! Tags of languages (RFC 5646), as far as texts depend on them.

use std::fmt;

/// The longest tag in bytes (RFC 5646 §4.4.1).
const MAX_LEN: usize = 35;
/// Languages that are written from right to left, where the tag names no script.
const RIGHT_TO_LEFT: [&str; 11] =
    ["ar", "ckb", "dv", "fa", "he", "nqo", "ps", "sd", "ug", "ur", "yi"];
/// Scripts that are written from right to left.
const RIGHT_TO_LEFT_SCRIPTS: [&str; 7] = ["adlm", "arab", "hebr", "mand", "nkoo", "syrc", "thaa"];

/// A tag of a language, such as `de` or `pt-BR`, in the case of RFC 5646 §2.1.1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LanguageTag(Box<str>);

impl LanguageTag {
    /// Parses a tag: a language of two or three letters, and subtags of up to eight letters and digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut subtags = text.split('-');
        let is_language = |it: &&str| {
            (2..=3).contains(&it.len()) && it.bytes().all(|byte| byte.is_ascii_alphabetic())
        };
        let is_subtag = |it: &str| {
            (1..=8).contains(&it.len()) && it.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let language = subtags.next().filter(is_language)?.to_ascii_lowercase();
        let mut tag = language;
        for subtag in subtags {
            if !is_subtag(subtag) {
                return None;
            }
            tag.push('-');
            let lower = subtag.to_ascii_lowercase();
            let is_word = lower.bytes().all(|byte| byte.is_ascii_alphabetic());
            match (lower.len(), is_word) {
                (2, true) => tag.push_str(&lower.to_ascii_uppercase()),
                (4, true) => {
                    tag.push_str(&lower[..1].to_ascii_uppercase());
                    tag.push_str(&lower[1..]);
                }
                _ => tag.push_str(&lower),
            }
        }
        (tag.len() <= MAX_LEN).then(|| Self(tag.into()))
    }

    /// The tag, in the case that RFC 5646 §2.1.1 recommends.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The primary subtag, such as `de` of `de-AT`.
    pub fn language(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }

    /// The tag, and shorter ones (RFC 4647 §3.4).
    pub fn with_shorter_ones(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.as_str()), |range| truncate_range(range))
    }

    /// The tag without its last subtag, and without a single letter before it (RFC 4647 §3.4).
    pub(super) fn truncated(&self) -> Option<&str> {
        truncate_range(&self.0)
    }

    /// The value of the attribute `dir`: `ltr` or `rtl`.
    pub fn direction(&self) -> &'static str {
        let script = self.0.split('-').skip(1).find(|it| it.len() == 4);
        let is_right_to_left = script.map_or_else(
            || RIGHT_TO_LEFT.contains(&self.language()),
            |script| RIGHT_TO_LEFT_SCRIPTS.contains(&&*script.to_ascii_lowercase()),
        );
        if is_right_to_left { "rtl" } else { "ltr" }
    }
}

/// A range without its last subtag, and without a single letter before it (RFC 4647 §3.4).
pub(super) fn truncate_range(range: &str) -> Option<&str> {
    let (shorter, _) = range.rsplit_once('-')?;
    match shorter.rsplit_once('-') {
        Some((before, single)) if single.len() == 1 => Some(before),
        _ => Some(shorter),
    }
}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_have_the_case_of_the_registry() {
        // RFC 5646 §2.1.1
        for (text, tag) in [
            ("DE", Some("de")),
            ("de-at", Some("de-AT")),
            ("zh-HANT-tw", Some("zh-Hant-TW")),
            ("de-CH-1996", Some("de-CH-1996")),
            ("", None),
            ("d", None),
            ("de_AT", None),
            ("de-", None),
            ("*", None),
            ("english", None),
            ("de-<b>", None),
            ("de-aaaaaaaa-bbbbbbbb-cccccccc-dddddddd", None),
        ] {
            assert_eq!(LanguageTag::parse(text).as_ref().map(LanguageTag::as_str), tag, "{text}");
        }
    }

    #[test]
    fn the_direction_is_that_of_the_script() {
        let direction = |text| LanguageTag::parse(text).expect("a tag").direction();
        for (tag, expected) in
            [("de", "ltr"), ("ar-EG", "rtl"), ("he", "rtl"), ("uz-Arab", "rtl"), ("fa-Latn", "ltr")]
        {
            assert_eq!(direction(tag), expected, "{tag}");
        }
    }

    #[test]
    fn a_range_is_shortened_from_its_end() {
        // RFC 4647 §3.4
        let mut range = "zh-Hant-CN-x-private1";
        let mut seen = Vec::new();
        while let Some(shorter) = truncate_range(range) {
            seen.push(shorter);
            range = shorter;
        }
        assert_eq!(seen, ["zh-Hant-CN", "zh-Hant", "zh"]);
    }
}
