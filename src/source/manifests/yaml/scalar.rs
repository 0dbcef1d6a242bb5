//! The value of a scalar, as go-yaml v2 determines it: by the rules of YAML 1.1, without numbers of
//! base 60. Kubernetes reads manifests with this library.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Number, Value};

use super::YamlProblem;

/// Tags of YAML 1.1 that determine how a scalar is read.
const TAG_PREFIX: &str = "tag:yaml.org,2002:";

/// Integral numbers below this one are written as JSON without an exponent.
const MAX_PLAIN_FLOAT: f64 = 1e21;

/// The value of a scalar.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum YamlScalar {
    Null,
    Bool(bool),
    /// A whole number from the least of `i64` to the greatest of `u64`.
    Int(i128),
    Float(f64),
    Text(String),
}

impl YamlScalar {
    /// Reads a scalar with an optional tag. `plain` means that it is not quoted and not a block.
    pub(super) fn read(tag: Option<&str>, text: String, plain: bool) -> Result<Self, YamlProblem> {
        let Some(tag) = tag.filter(|tag| !tag.is_empty()) else {
            return Ok(if plain { untagged(text) } else { Self::Text(text) });
        };
        let found = match tag.strip_prefix(TAG_PREFIX) {
            Some("binary") => return binary(&text),
            Some("timestamp") if is_date(&text) => return Ok(Self::Text(text)),
            Some("bool" | "int" | "float" | "null" | "timestamp") => untagged(text),
            _ => return Ok(Self::Text(text)),
        };
        match (&tag[TAG_PREFIX.len()..], found) {
            ("bool", found @ Self::Bool(_))
            | ("int", found @ Self::Int(_))
            | ("float", found @ Self::Float(_))
            | ("null", found @ Self::Null) => Ok(found),
            ("float", Self::Int(number)) if i64::try_from(number).is_ok() => {
                Ok(Self::Float(float(number)))
            }
            (name, _) => Err(YamlProblem::TagMismatch(name.to_owned())),
        }
    }

    /// The value as JSON. `NotFinite` for a number that JSON cannot express.
    pub(super) fn into_value(self) -> Result<Value, YamlProblem> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(flag),
            Self::Int(number) => integer(number).map_or(Value::Null, Value::Number),
            Self::Float(number) => {
                Value::Number(json_number(number).ok_or(YamlProblem::NotFinite)?)
            }
            Self::Text(text) => Value::String(text),
        })
    }

    /// The value as the key of a map.
    pub(super) fn into_key(self) -> Result<String, YamlProblem> {
        match self {
            Self::Null => Err(YamlProblem::EmptyKey),
            Self::Bool(flag) => Ok(flag.to_string()),
            Self::Int(number) => i64::try_from(number)
                .map(|number| number.to_string())
                .map_err(|_| YamlProblem::LargeKey),
            Self::Float(number) => Ok(float_key(number)),
            Self::Text(text) => Ok(text),
        }
    }

    /// The approximate size in memory.
    pub(super) fn len(&self) -> usize {
        if let Self::Text(text) = self { text.len() } else { 0 }
    }
}

/// Returns false if the text, without quotes and a tag, is read as something else than text.
pub(in crate::source::manifests) fn is_plain_text(text: &str) -> bool {
    text != "<<" && matches!(untagged(text.to_owned()), YamlScalar::Text(_))
}

/// The number as JSON: whole numbers have neither a fraction nor an exponent.
pub(in crate::source::manifests) fn json_number(number: f64) -> Option<Number> {
    let whole = number.fract() == 0.0 && number.abs() < MAX_PLAIN_FLOAT;
    let digits = whole.then(|| number.to_string().parse().ok()).flatten();
    digits.and_then(integer).or_else(|| Number::from_f64(number))
}

fn integer(number: i128) -> Option<Number> {
    let signed = i64::try_from(number).map(Number::from);
    signed.or_else(|_| u64::try_from(number).map(Number::from)).ok()
}

#[expect(clippy::cast_precision_loss, reason = "a tag asks for a floating-point number")]
fn float(number: i128) -> f64 {
    number as f64
}

fn binary(text: &str) -> Result<YamlScalar, YamlProblem> {
    let encoded: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let bytes = STANDARD.decode(encoded).map_err(|_| YamlProblem::NotBase64)?;
    Ok(YamlScalar::Text(String::from_utf8_lossy(&bytes).into_owned()))
}

/// The value of a plain scalar without a tag. Dates stay text.
fn untagged(text: String) -> YamlScalar {
    let known = match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Some(YamlScalar::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Some(YamlScalar::Bool(true))
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Some(YamlScalar::Bool(false))
        }
        ".nan" | ".NaN" | ".NAN" => Some(YamlScalar::Float(f64::NAN)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            Some(YamlScalar::Float(f64::INFINITY))
        }
        "-.inf" | "-.Inf" | "-.INF" => Some(YamlScalar::Float(f64::NEG_INFINITY)),
        other => number(other),
    };
    known.unwrap_or(YamlScalar::Text(text))
}

fn number(text: &str) -> Option<YamlScalar> {
    if text.starts_with('.') {
        // Here, unlike elsewhere, each underscore must be between digits.
        let digits = |part: &str| part.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
        let ends = |part: &str| part.bytes().last().is_some_and(|byte| byte.is_ascii_digit());
        let sound =
            text.match_indices('_').all(|(at, _)| ends(&text[..at]) && digits(&text[at + 1..]));
        return decimal(&text.replace('_', "")).filter(|_| sound).map(YamlScalar::Float);
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-')) {
        return None;
    }
    let text = text.replace('_', "");
    whole_number(&text)
        .map(YamlScalar::Int)
        .or_else(|| decimal(&text).map(YamlScalar::Float))
        .or_else(|| signed_binary(&text).map(YamlScalar::Int))
}

/// A whole number: decimal, `0x`, `0o`, `0b`, or octal after a zero.
fn whole_number(text: &str) -> Option<i128> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let prefixed = |prefix| {
        let rest = unsigned.get(..2).filter(|start| start.eq_ignore_ascii_case(prefix));
        rest.map(|_| &unsigned[2..]).filter(|digits| !digits.is_empty())
    };
    let (digits, radix) = if let Some(digits) = prefixed("0x") {
        (digits, 16)
    } else if let Some(digits) = prefixed("0o") {
        (digits, 8)
    } else if let Some(digits) = prefixed("0b") {
        (digits, 2)
    } else if unsigned.len() > 1 && unsigned.starts_with('0') {
        (&unsigned[1..], 8)
    } else {
        (unsigned, 10)
    };
    let number = i128::from(parse_digits(digits, radix)?);
    if unsigned.len() == text.len() {
        return Some(number);
    }
    // Only numbers without a sign may need all 64 bits.
    let number = if text.starts_with('-') { -number } else { number };
    i64::try_from(number).ok().map(i128::from)
}

fn parse_digits(digits: &str, radix: u32) -> Option<u64> {
    // `from_str_radix` accepts a sign.
    let digits = Some(digits).filter(|digits| digits.starts_with(|c: char| c.is_digit(radix)))?;
    u64::from_str_radix(digits, radix).ok()
}

/// A binary number with a sign after the prefix, which go-yaml accepts.
fn signed_binary(text: &str) -> Option<i128> {
    let digits = text.strip_prefix("0b")?;
    let number = i128::from(parse_digits(digits.strip_prefix(['+', '-'])?, 2)?);
    let number = if digits.starts_with('-') { -number } else { number };
    i64::try_from(number).ok().map(i128::from)
}

/// A decimal number with a fraction or an exponent.
fn decimal(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let exponent = unsigned.find(['e', 'E']);
    let (mantissa, exponent) =
        exponent.map_or((unsigned, None), |at| (&unsigned[..at], Some(&unsigned[at + 1..])));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let sound = digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| {
            let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            !exponent.is_empty() && digits(exponent)
        });
    // A number out of range stays text.
    text.parse().ok().filter(|number: &f64| sound && number.is_finite())
}

/// Whether a text begins like a date.
fn is_date(text: &str) -> bool {
    let year = text.bytes().take_while(u8::is_ascii_digit).count();
    year == 4 && text.as_bytes().get(4) == Some(&b'-')
}

/// A floating-point key, with the precision of 32 bits.
fn float_key(number: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "Kubernetes' library does the same")]
    let number = number as f32;
    if number.is_nan() {
        return ".nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return number.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_yaml_1_1() {
        for (text, expected) in [
            ("0777", YamlScalar::Int(511)),
            ("0o7", YamlScalar::Int(7)),
            ("0X1f", YamlScalar::Int(31)),
            ("-0b11", YamlScalar::Int(-3)),
            ("1_000", YamlScalar::Int(1000)),
            ("18446744073709551615", YamlScalar::Int(u64::MAX.into())),
            ("08", YamlScalar::Float(8.0)),
            ("1e3", YamlScalar::Float(1000.0)),
            ("y", YamlScalar::Bool(true)),
            ("Off", YamlScalar::Bool(false)),
            ("~", YamlScalar::Null),
        ] {
            assert_eq!(untagged(text.to_owned()), expected, "{text}");
        }
        for text in ["1:30", "2026-01-01", "yEs", "0x", "+", ".", "1e999", "0xg", "-", "1.2.3"] {
            assert_eq!(untagged(text.to_owned()), YamlScalar::Text(text.to_owned()));
        }
    }

    #[test]
    fn a_tag_determines_the_type() {
        let read = |tag: &str, text: &str| {
            YamlScalar::read(Some(&format!("{TAG_PREFIX}{tag}")), text.to_owned(), true)
        };
        assert_eq!(read("str", "yes"), Ok(YamlScalar::Text("yes".to_owned())));
        assert_eq!(read("float", "1"), Ok(YamlScalar::Float(1.0)));
        assert_eq!(read("binary", "aGk=\n"), Ok(YamlScalar::Text("hi".to_owned())));
        assert!(read("bool", "maybe").is_err() && read("int", "1.5").is_err());
    }

    #[test]
    fn whole_floats_are_integers_in_json() {
        assert_eq!(json_number(3.0), Some(Number::from(3)));
        assert_eq!(json_number(f64::NAN), None);
    }
}
