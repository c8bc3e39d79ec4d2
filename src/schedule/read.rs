//! Dates, times of day and days of the week as schedules write them.

use jiff::civil::Time;
use toml::Spanned;
use toml::de::DeValue;

use crate::base::document::{At, Document, Read, did_you_mean};
use crate::base::{DAY_NAMES, Fault};

/// Days of the week, Monday first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days(pub(super) [bool; 7]);

impl Read for Days {
    fn read(doc: &Document<'_>, value: &Spanned<DeValue<'_>>) -> Option<Self> {
        let expected = "\"daily\", \"weekdays\" or a list such as [\"mon\", \"wed\"]";
        if let Some(word) = value.get_ref().as_str() {
            return match word {
                "daily" => Some(Self([true; 7])),
                "weekdays" => Some(Self([true, true, true, true, true, false, false])),
                _ => {
                    doc.problem(
                        value.span().start,
                        Fault::Value,
                        format!("unknown days `{word}`: expected {expected}"),
                    );
                    None
                }
            };
        }
        if value.get_ref().as_array().is_none() {
            return doc.wrong(value, expected);
        }
        let names = Vec::<At<String>>::read(doc, value)?;
        if names.is_empty() {
            doc.problem(value.span().start, Fault::Empty, format!("no days: expected {expected}"));
            return None;
        }
        named(doc, &names)
    }
}

fn named(doc: &Document<'_>, names: &[At<String>]) -> Option<Days> {
    let mut days = [false; 7];
    let mut good = true;
    for name in names {
        match DAY_NAMES.iter().position(|d| *d == name.value) {
            Some(day) if !days[day] => days[day] = true,
            Some(_) => {
                doc.problem(name.at, Fault::Twice, format!("`{}` stands twice in this list", name.value));
            }
            None => {
                let hint = did_you_mean(&name.value, DAY_NAMES.into_iter());
                doc.problem(name.at, Fault::Value, format!("unknown day `{}`{hint}", name.value));
                good = false;
            }
        }
    }
    good.then_some(Days(days))
}

/// A start that is the end of the entry before.
pub const FOLLOWING: &str = "following";

/// A time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeOfDay {
    /// A time of the day itself.
    At(Time),
    /// `24:00`, the midnight that ends the day.
    Midnight,
    /// `following`: when the entry above it in the file has ended.
    Following,
}

impl Read for TimeOfDay {
    fn read(doc: &Document<'_>, value: &Spanned<DeValue<'_>>) -> Option<Self> {
        let text = match value.get_ref() {
            DeValue::Datetime(d) if d.date.is_none() => d.to_string(),
            DeValue::String(s) => s.to_string(),
            _ => return doc.wrong(value, "a time in quotes, such as \"19:30\""),
        };
        let time = time_of_day(&text);
        if time.is_none() {
            let message =
                format!("`{text}` is not a time: expected \"00:00\" to \"23:59\", such as \"19:30\"");
            doc.problem(value.span().start, Fault::Value, message);
        }
        time
    }
}

fn time_of_day(text: &str) -> Option<TimeOfDay> {
    match text {
        "24:00" | "24:00:00" => return Some(TimeOfDay::Midnight),
        FOLLOWING => return Some(TimeOfDay::Following),
        _ => {}
    }
    let digit_or_colon = |(i, b): (usize, u8)| if i % 3 == 2 { b == b':' } else { b.is_ascii_digit() };
    let shaped = matches!(text.len(), 5 | 8) && text.bytes().enumerate().all(digit_or_colon);
    // A leap second would be read as :59; written in a schedule it is a slip.
    let time = text.parse().ok().filter(|_| shaped && !text.ends_with(":60"))?;
    Some(TimeOfDay::At(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_two_digits_each() {
        assert!(matches!(time_of_day("19:30"), Some(TimeOfDay::At(_))));
        assert!(matches!(time_of_day("19:30:15"), Some(TimeOfDay::At(_))));
        assert_eq!(time_of_day("24:00"), Some(TimeOfDay::Midnight));
        for bad in ["7:30", "25:00", "19:60", "19.30", "24:01", "23:59:60", "12", "12:30:1", "12:30:00.5"] {
            assert_eq!(time_of_day(bad), None, "{bad:?} was taken");
        }
    }
}
