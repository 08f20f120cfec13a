//! Text as JavaScript sees it: Backstage compares, measures and trims with its language's own rules.
//! Specification: ECMAScript 2024, sections 6.1.6.1.20 (`Number::toString`), 22.1.3.32 (`trim`).

use serde_json::Number;

/// Length in UTF-16 code units, as `String.prototype.length` counts.
pub(crate) fn utf16_len(text: &str) -> usize {
    text.encode_utf16().count()
}

/// `String.prototype.trim`: Unicode white space and the byte order mark, but not U+0085.
pub(crate) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}')
}

/// `String(number)`. JSON numbers are doubles there, so integers beyond 2^53 lose their last digits.
pub(crate) fn number_text(number: &Number) -> String {
    let Some(value) = number.as_f64() else { return number.to_string() };
    if value == 0.0 {
        return "0".to_owned();
    }
    // Rust's `{:e}` gives the shortest digits that read back, as ECMAScript asks; only the layout differs.
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits = mantissa.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap_or_default();
    format!("{sign}{}", lay_out(&digits, exponent))
}

/// Digits `d.ddd` times ten to the `exponent`, in plain notation between 1e-7 and 1e21 and in scientific beyond.
fn lay_out(digits: &str, exponent: i32) -> String {
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |n: i32| "0".repeat(usize::try_from(n).unwrap_or_default());
    let point = exponent + 1;
    if (count..=21).contains(&point) {
        return format!("{digits}{}", zeros(point - count));
    }
    if (1..=21).contains(&point) {
        let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or_default());
        return format!("{whole}.{fraction}");
    }
    if (-5..=0).contains(&point) {
        return format!("0.{}{digits}", zeros(-point));
    }
    let (first, rest) = digits.split_at(1);
    let fraction = if rest.is_empty() { String::new() } else { format!(".{rest}") };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{fraction}e{sign}{}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn numbers_read_as_javascript_writes_them() {
        for (json, text) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("1", "1"),
            ("-12.50", "-12.5"),
            ("1e21", "1e+21"),
            ("1e20", "100000000000000000000"),
            ("150000000000000000000000", "1.5e+23"),
            ("12345678901234567890", "12345678901234567000"),
            ("9007199254740993", "9007199254740992"),
            ("1e-7", "1e-7"),
            ("1.5e-7", "1.5e-7"),
            ("0.000001", "0.000001"),
            ("0.1", "0.1"),
            ("5e-324", "5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ] {
            let Value::Number(number) = serde_json::from_str(json).unwrap() else { panic!("{json}") };
            assert_eq!(number_text(&number), text, "{json}");
        }
    }

    #[test]
    fn lengths_and_trimming_are_those_of_javascript() {
        assert_eq!(utf16_len("a😀"), 3);
        assert_eq!(trim("\u{feff}\u{a0} a b\t\u{85}"), "a b\t\u{85}");
    }
}
