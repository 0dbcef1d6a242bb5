//! Plural categories of whole numbers (Unicode CLDR, supplemental/plurals.xml). A language that is not in
//! the table has the categories of English.

/// A plural category of the CLDR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PluralCategory {
    Zero,
    One,
    Two,
    Few,
    Many,
    Other,
}

impl PluralCategory {
    pub(super) const ALL: [Self; 6] =
        [Self::Zero, Self::One, Self::Two, Self::Few, Self::Many, Self::Other];

    /// The name of the category in CLDR and in files of messages.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Zero => "zero",
            Self::One => "one",
            Self::Two => "two",
            Self::Few => "few",
            Self::Many => "many",
            Self::Other => "other",
        }
    }
}

/// The rule of a language.
pub(super) type PluralRule = fn(u64) -> PluralCategory;

/// The rule of the language with this primary subtag.
pub(super) fn plural_rule(language: &str) -> PluralRule {
    match language {
        "id" | "ja" | "ko" | "lo" | "ms" | "my" | "th" | "vi" | "yue" | "zh" => always_other,
        "am" | "as" | "bn" | "fa" | "fr" | "gu" | "hi" | "hy" | "kab" | "kn" | "pt" | "zu" => {
            zero_or_one
        }
        "be" | "ru" | "uk" => east_slavic,
        "bs" | "hr" | "sh" | "sr" => south_slavic,
        "pl" => polish,
        "cs" | "sk" => czech,
        "sl" => slovenian,
        "lt" => lithuanian,
        "lv" => latvian,
        "ro" | "mo" => romanian,
        "is" | "mk" => by_last_digit,
        "ar" => arabic,
        "he" | "iw" => hebrew,
        "ga" => irish,
        "cy" => welsh,
        _ => one_or_other,
    }
}

const fn one_or_other(n: u64) -> PluralCategory {
    if n == 1 { PluralCategory::One } else { PluralCategory::Other }
}

const fn always_other(_: u64) -> PluralCategory {
    PluralCategory::Other
}

const fn zero_or_one(n: u64) -> PluralCategory {
    if n <= 1 { PluralCategory::One } else { PluralCategory::Other }
}

const fn is_slavic_few(n: u64) -> bool {
    matches!(n % 10, 2..=4) && !matches!(n % 100, 12..=14)
}

const fn east_slavic(n: u64) -> PluralCategory {
    match (by_last_digit(n), is_slavic_few(n)) {
        (PluralCategory::One, _) => PluralCategory::One,
        (_, true) => PluralCategory::Few,
        (_, false) => PluralCategory::Many,
    }
}

const fn south_slavic(n: u64) -> PluralCategory {
    match (by_last_digit(n), is_slavic_few(n)) {
        (PluralCategory::One, _) => PluralCategory::One,
        (_, true) => PluralCategory::Few,
        (_, false) => PluralCategory::Other,
    }
}

const fn polish(n: u64) -> PluralCategory {
    match (n, is_slavic_few(n)) {
        (1, _) => PluralCategory::One,
        (_, true) => PluralCategory::Few,
        (_, false) => PluralCategory::Many,
    }
}

const fn czech(n: u64) -> PluralCategory {
    match n {
        1 => PluralCategory::One,
        2..=4 => PluralCategory::Few,
        _ => PluralCategory::Other,
    }
}

const fn slovenian(n: u64) -> PluralCategory {
    match n % 100 {
        1 => PluralCategory::One,
        2 => PluralCategory::Two,
        3 | 4 => PluralCategory::Few,
        _ => PluralCategory::Other,
    }
}

const fn lithuanian(n: u64) -> PluralCategory {
    match (n % 10, n % 100) {
        (_, 11..=19) => PluralCategory::Other,
        (1, _) => PluralCategory::One,
        (2..=9, _) => PluralCategory::Few,
        _ => PluralCategory::Other,
    }
}

const fn latvian(n: u64) -> PluralCategory {
    match (n % 10, n % 100) {
        (0, _) | (_, 11..=19) => PluralCategory::Zero,
        (1, _) => PluralCategory::One,
        _ => PluralCategory::Other,
    }
}

const fn romanian(n: u64) -> PluralCategory {
    match (n, n % 100) {
        (1, _) => PluralCategory::One,
        (0, _) | (_, 1..=19) => PluralCategory::Few,
        _ => PluralCategory::Other,
    }
}

const fn by_last_digit(n: u64) -> PluralCategory {
    if n % 10 == 1 && n % 100 != 11 { PluralCategory::One } else { PluralCategory::Other }
}

const fn arabic(n: u64) -> PluralCategory {
    match (n, n % 100) {
        (0, _) => PluralCategory::Zero,
        (1, _) => PluralCategory::One,
        (2, _) => PluralCategory::Two,
        (_, 3..=10) => PluralCategory::Few,
        (_, 11..=99) => PluralCategory::Many,
        _ => PluralCategory::Other,
    }
}

const fn hebrew(n: u64) -> PluralCategory {
    match n {
        1 => PluralCategory::One,
        2 => PluralCategory::Two,
        _ => PluralCategory::Other,
    }
}

const fn irish(n: u64) -> PluralCategory {
    match n {
        1 => PluralCategory::One,
        2 => PluralCategory::Two,
        3..=6 => PluralCategory::Few,
        7..=10 => PluralCategory::Many,
        _ => PluralCategory::Other,
    }
}

const fn welsh(n: u64) -> PluralCategory {
    match n {
        0 => PluralCategory::Zero,
        1 => PluralCategory::One,
        2 => PluralCategory::Two,
        3 => PluralCategory::Few,
        6 => PluralCategory::Many,
        _ => PluralCategory::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_categories_of_cldr() {
        // The samples of plurals.xml.
        use PluralCategory::{Few, Many, One, Other, Two, Zero};
        let all: [(&str, &[(u64, PluralCategory)]); 17] = [
            ("en", &[(0, Other), (1, One), (2, Other), (101, Other)]),
            ("de", &[(0, Other), (1, One), (21, Other)]),
            ("fr", &[(0, One), (1, One), (2, Other)]),
            ("ja", &[(1, Other)]),
            ("ru", &[(1, One), (21, One), (3, Few), (5, Many), (11, Many), (12, Many), (0, Many)]),
            ("hr", &[(1, One), (22, Few), (12, Other), (5, Other)]),
            ("pl", &[(1, One), (22, Few), (12, Many), (21, Many)]),
            ("cs", &[(1, One), (4, Few), (5, Other), (22, Other)]),
            ("sl", &[(101, One), (2, Two), (104, Few), (5, Other)]),
            ("lt", &[(21, One), (9, Few), (11, Other), (20, Other)]),
            ("lv", &[(10, Zero), (11, Zero), (21, One), (2, Other)]),
            ("ro", &[(1, One), (0, Few), (119, Few), (20, Other)]),
            ("is", &[(1, One), (21, One), (11, Other)]),
            ("ar", &[(0, Zero), (1, One), (2, Two), (103, Few), (11, Many), (100, Other)]),
            ("he", &[(1, One), (2, Two), (10, Other)]),
            ("ga", &[(1, One), (2, Two), (6, Few), (10, Many), (11, Other)]),
            ("cy", &[(0, Zero), (1, One), (2, Two), (3, Few), (6, Many), (4, Other)]),
        ];
        for (language, samples) in all {
            for (number, category) in samples {
                assert_eq!(plural_rule(language)(*number), *category, "{language} {number}");
            }
        }
    }
}
