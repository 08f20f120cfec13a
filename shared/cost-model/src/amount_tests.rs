use proptest::prelude::*;

use super::*;

/// A number as its digits and the places of its point: the slow, obvious way to do decimals.
#[derive(Debug, Clone, PartialEq)]
struct Naive {
    negative: bool,
    digits: Vec<u8>,
    places: usize,
}

impl Naive {
    fn new(negative: bool, mut digits: Vec<u8>, mut places: usize) -> Self {
        while places > 0 && digits.last() == Some(&0) {
            digits.pop();
            places -= 1;
        }
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..zeros);
        if digits.is_empty() {
            places = 0;
        }
        Self { negative: negative && !digits.is_empty(), digits, places }
    }

    /// School rounding, half to even.
    fn to_places(&self, places: usize) -> Self {
        if self.places <= places {
            return self.clone();
        }
        let mut digits = self.digits.clone();
        while digits.len() < self.places + 1 {
            digits.insert(0, 0);
        }
        let rest = digits.split_off(digits.len() - (self.places - places));
        let above = rest[0] > 5 || rest[0] == 5 && rest[1..].iter().any(|digit| *digit > 0);
        let half = rest[0] == 5 && !above;
        if above || half && digits.last().is_some_and(|digit| digit % 2 == 1) {
            let mut at = digits.len();
            loop {
                if at == 0 {
                    digits.insert(0, 1);
                    break;
                }
                at -= 1;
                if digits[at] < 9 {
                    digits[at] += 1;
                    break;
                }
                digits[at] = 0;
            }
        }
        Self::new(self.negative, digits, places)
    }

    fn text(&self) -> String {
        let mut text: String = self.digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        while text.len() <= self.places {
            text.insert(0, '0');
        }
        if self.places > 0 {
            text.insert(text.len() - self.places, '.');
        }
        if self.negative { format!("-{text}") } else { text }
    }
}

fn naive() -> impl Strategy<Value = Naive> {
    (any::<bool>(), prop::collection::vec(0..=9_u8, 1..50), 0..45_usize).prop_filter_map(
        "too large",
        |(n, d, places)| {
            let number = Naive::new(n, d, places);
            (number.digits.len() < number.places + 18).then_some(number)
        },
    )
}

proptest! {
    #[test]
    fn reading_agrees_with_school_decimals(number in naive()) {
        let reading = Amount::read(&number.text()).unwrap();
        let expected = number.to_places(20);
        prop_assert_eq!(reading.amount.to_string(), expected.text());
        prop_assert_eq!(reading.rounded, expected != number);
    }

    #[test]
    fn an_exponent_only_moves_the_point(number in naive(), exponent in -40..40_i32) {
        let digits: String = number.digits.iter().map(|digit| char::from(b'0' + digit)).collect();
        let digits = if digits.is_empty() { "0".to_owned() } else { digits };
        let sign = if number.negative { "-" } else { "" };
        let scientific = format!("{sign}{digits}e{}", exponent - i32::try_from(number.places).unwrap());
        let shifted = match usize::try_from(exponent) {
            Ok(up) => {
                let mut digits = number.digits.clone();
                digits.extend(std::iter::repeat_n(0, up));
                Naive::new(number.negative, digits, number.places)
            }
            Err(_) => Naive::new(number.negative, number.digits.clone(), number.places + exponent.unsigned_abs() as usize),
        };
        match Amount::read(&shifted.text()) {
            Ok(plain) => prop_assert_eq!(Amount::read(&scientific).unwrap(), plain),
            Err(_) => prop_assert!(Amount::read(&scientific).is_err()),
        }
    }

    #[test]
    fn ten_places_are_the_same_amount(raw: i128, number in naive()) {
        for amount in [Amount::from_raw(raw), Amount::from_raw(raw >> 64), Amount::from_raw(raw >> 30 << 10)] {
            if let Some(units) = amount.ten_places() {
                prop_assert_eq!(Amount::of_ten_places(units), amount);
            }
        }
        if let Some(units) = Amount::ten_places_of_text(number.text().as_bytes()) {
            prop_assert_eq!(Amount::read(&number.text()), Ok(Reading { amount: Amount::of_ten_places(units), rounded: false }));
            prop_assert_eq!(Amount::of_ten_places(units).ten_places(), Some(units));
        }
    }

    #[test]
    fn what_is_shown_reads_back(raw: i128) {
        let amount = Amount::from_raw(raw);
        if raw != i128::MIN {
            prop_assert_eq!(amount.to_string().parse::<Amount>().unwrap(), amount);
        }
        prop_assert!(!amount.to_string().contains('.') || !amount.to_string().ends_with('0'));
    }

    #[test]
    fn sums_do_not_depend_on_the_order(mut raws in prop::collection::vec(-10_i128.pow(30)..10_i128.pow(30), 0..20)) {
        let sum = |raws: &[i128]| {
            raws.iter().try_fold(Amount::ZERO, |sum, raw| sum.plus(Amount::from_raw(*raw))).unwrap()
        };
        let forwards = sum(&raws);
        raws.sort_unstable();
        prop_assert_eq!(sum(&raws), forwards);
    }

    #[test]
    fn a_double_of_up_to_fifteen_digits_is_the_decimal_it_was_written_as(units in -10_i64.pow(15)..10_i64.pow(15), places in 0..15_u32) {
        let text = format!("{units}e-{places}");
        let double: f64 = text.parse().unwrap();
        prop_assert_eq!(Amount::read_f64(double).unwrap(), Amount::read(&text).unwrap());
    }

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,40}|[-+.eE0-9]{0,140}") {
        let _ = Amount::read(&text);
    }
}

#[test]
fn real_spellings_are_read_exactly() {
    for (text, expected) in [
        ("0", "0"),
        ("-0.0", "0"),
        ("0.0000000000", "0"),
        (".5", "0.5"),
        ("5.", "5"),
        ("+1.50", "1.5"),
        (" 0.0960000000 ", "0.096"),
        ("1.81E-8", "0.0000000181"),
        ("9.984E-7", "0.0000009984"),
        ("1e+3", "1000"),
        ("0.00165303109242778", "0.00165303109242778"),
        ("0.1234567890123456789", "0.1234567890123456789"),
        ("-42306.2111530974", "-42306.2111530974"),
        ("1e-20", "0.00000000000000000001"),
        ("00000000000000000000000000000000000000000000000000012", "12"),
    ] {
        let reading = Amount::read(text).unwrap();
        assert_eq!((reading.amount.to_string().as_str(), reading.rounded), (expected, false), "{text}");
    }
}

#[test]
fn what_is_finer_than_the_grid_is_rounded_half_even_and_reported() {
    for (text, raw) in [
        ("0.5e-20", 0),
        ("1.5e-20", 2),
        ("2.5e-20", 2),
        ("2.5000000000000000000000000001e-20", 3),
        ("-1.5e-20", -2),
        ("0.49e-20", 0),
        ("0.51e-20", 1),
        ("4.9e-324", 0),
        ("1e-999999999999999999999", 0),
        ("0.999999999999999999999", 10_i128.pow(20)),
    ] {
        assert_eq!(Amount::read(text).unwrap(), Reading { amount: Amount::from_raw(raw), rounded: true }, "{text}");
        assert!(matches!(text.parse::<Amount>(), Err(AmountError::TooFine { .. })));
    }
}

#[test]
fn what_is_no_amount_is_refused() {
    for text in ["", " ", "-", ".", "e5", "1e", "1e+", "1.2.3", "1,000", "NaN", "inf", "0x10", "1e5.0", "--1", "１"] {
        assert!(matches!(Amount::read(text), Err(AmountError::Form { .. })), "{text}");
    }
    for text in ["1.8e18", "-1.8e18", "1e40", "1e99999999999999999999"] {
        assert!(matches!(Amount::read(text), Err(AmountError::TooLarge { .. })), "{text}");
    }
    assert_eq!(Amount::read("0e99999999999999999999").unwrap().amount, Amount::ZERO);
    assert!(matches!(Amount::read(&"1".repeat(129)), Err(AmountError::TooLong { bytes: 129 })));
    for double in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e19] {
        assert!(Amount::read_f64(double).is_err());
    }
}

#[test]
fn a_sum_beyond_the_largest_amount_is_an_error() {
    let largest = Amount::from_raw(i128::MAX);
    assert_eq!(largest.plus(Amount::from_raw(1)), Err(AmountError::Overflow));
    assert_eq!(largest.times(2), Err(AmountError::Overflow));
    assert_eq!("-0.1".parse::<Amount>().unwrap().times(3), "-0.3".parse());
    assert_eq!(Amount::from_raw(i128::MIN).minus(Amount::from_raw(1)), Err(AmountError::Overflow));
}

#[test]
fn amounts_are_texts_in_json() {
    let amount: Amount = serde_json::from_str("\"-0.10\"").unwrap();
    assert_eq!(serde_json::to_string(&amount).unwrap(), "\"-0.1\"");
    assert!(serde_json::from_str::<Amount>("0.1").is_err());
}

#[test]
fn amounts_of_a_bill_are_read_in_ten_places() {
    for (text, units) in [
        ("0", Some(0)),
        ("-0.0000000001", Some(-1)),
        ("12.5", Some(125_000_000_000)),
        ("922337203.685477580", Some(9_223_372_036_854_775_800)),
        ("922337204", None),
        ("0.00000000001", None),
        ("1e-3", None),
        ("", None),
    ] {
        assert_eq!(Amount::ten_places_of_text(text.as_bytes()), units, "{text}");
    }
    let amount = |text: &str| text.parse::<Amount>().unwrap();
    assert_eq!(amount("922337203.6854775807").ten_places(), Some(i64::MAX));
    assert_eq!(amount("922337203.6854775808").ten_places(), None);
    assert_eq!(amount("-0.00000000001").ten_places(), None);
}
