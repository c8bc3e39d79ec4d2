//! Forms for the entries of files: which fields there are, what stands in
//! them, and what was typed, as values of TOML.

use toml_edit::{Array, InlineTable, Value};

use crate::base::entries::Values;
use crate::base::{DAY_NAMES, Lang, Titles};
use crate::portal::views::{Choice, Field, FieldValue, PageContext};

use super::request::Form;

/// A field of a form, and the key it is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spec {
    /// Key in the file, and name in the form.
    pub(super) key: &'static str,
    /// Key of its label.
    pub(super) label: &'static str,
    /// Key of the advice below it; empty: none.
    pub(super) hint: &'static str,
    /// What is typed.
    pub(super) kind: Kind,
}

/// What is typed into a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole number; required or not.
    Number(bool),
    /// A name in several languages; true: in at least one.
    Names(bool),
    /// One language.
    Lang,
    /// Several languages; true: the first of them counts more.
    Langs(bool),
    /// A word or a duration; nothing: the key is left out.
    Word,
    /// Several lines, each a text of its own.
    Lines,
    /// A date; required or not.
    Date(bool),
    /// Yes or no; no: the key is left out.
    Tick,
    /// A lesson.
    Lesson,
    /// Lessons in their order.
    Lessons,
    /// A day of the week, or `none`.
    Day,
}

/// Lessons that can be added at once to those that stand there.
const MORE: usize = 6;
/// A holiday without weekly programmes.
const NO_DAY: &str = "none";

/// What stands in the fields.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shown<'a> {
    /// The file's values.
    File(&'a toml::Table),
    /// What was typed.
    Typed(&'a Form),
}

impl Shown<'_> {
    fn line(self, key: &str) -> String {
        match self {
            Self::File(values) => match values.get(key) {
                Some(toml::Value::String(text)) => text.clone(),
                Some(toml::Value::Array(all)) => {
                    all.iter().filter_map(toml::Value::as_str).collect::<Vec<_>>().join("\n")
                }
                Some(other) => other.to_string(),
                None => String::new(),
            },
            Self::Typed(form) => form.raw(key).to_owned(),
        }
    }

    fn is_ticked(self, key: &str) -> bool {
        match self {
            Self::File(values) => values.get(key).and_then(toml::Value::as_bool).unwrap_or(false),
            Self::Typed(form) => form.get(key) == "1",
        }
    }

    fn list(self, key: &str) -> Vec<String> {
        let of_file = |values: &toml::Table| {
            let all = values.get(key).and_then(toml::Value::as_array).into_iter().flatten();
            all.filter_map(|v| v.as_str().map(str::to_owned)).collect()
        };
        match self {
            Self::File(values) => of_file(values),
            Self::Typed(form) => {
                form.all(key).map(str::trim).filter(|v| !v.is_empty()).map(str::to_owned).collect()
            }
        }
    }

    fn names(self, key: &str, languages: &[Lang]) -> Titles {
        match self {
            Self::File(values) => titles(values, key),
            Self::Typed(form) => form.titles_of(key, languages),
        }
    }

    fn langs(self, key: &str) -> Vec<Lang> {
        match self {
            Self::File(values) => langs(values, key),
            Self::Typed(form) => {
                let mut all: Vec<Lang> = form.all(key).filter_map(|l| Lang::new(l).ok()).collect();
                let first = Lang::new(form.get(&format!("{key}.first"))).ok();
                all.sort_by_key(|l| Some(l) != first.as_ref());
                all
            }
        }
    }
}

/// A text for each language, as a file has it.
pub(super) fn titles(values: &toml::Table, key: &str) -> Titles {
    let table = values.get(key).and_then(toml::Value::as_table);
    let named = table.into_iter().flatten();
    Titles(named.filter_map(|(l, t)| Some((Lang::new(l).ok()?, t.as_str()?.to_owned()))).collect())
}

fn langs(values: &toml::Table, key: &str) -> Vec<Lang> {
    let all = values.get(key).and_then(toml::Value::as_array);
    all.into_iter().flatten().filter_map(|l| Lang::new(l.as_str()?).ok()).collect()
}

/// The fields as the form shows them. `lessons` are those to choose from: identifier and title.
pub(super) fn fields(
    specs: &[Spec],
    shown: Shown<'_>,
    ctx: &PageContext<'_>,
    lessons: &[(String, String)],
) -> Vec<Field> {
    let field = |spec: &Spec| {
        let line = |kind, required| FieldValue::Line { value: shown.line(spec.key), kind, required };
        let value = match spec.kind {
            Kind::Number(required) => line("number", required),
            Kind::Word => line("text", false),
            Kind::Lines => FieldValue::Lines(shown.line(spec.key)),
            Kind::Names(_) => FieldValue::names(&shown.names(spec.key, ctx.languages), ctx.languages),
            Kind::Date(required) => line("date", required),
            Kind::Tick => FieldValue::Tick(shown.is_ticked(spec.key)),
            Kind::Lesson => FieldValue::Select(options(&shown.line(spec.key), lessons)),
            Kind::Lessons => {
                let chosen = shown.list(spec.key);
                let free = std::iter::repeat_n(String::new(), MORE);
                FieldValue::InOrder(chosen.into_iter().chain(free).map(|id| options(&id, lessons)).collect())
            }
            Kind::Day => {
                let days = DAY_NAMES.iter().chain([&NO_DAY]);
                let days: Vec<_> = days.map(|day| ((*day).to_owned(), day_said(day, ctx))).collect();
                FieldValue::Select(options(&shown.line(spec.key), &days))
            }
            Kind::Lang => FieldValue::Choice(choices(&shown.line(spec.key))),
            Kind::Langs(ordered) => {
                let chosen = shown.langs(spec.key);
                let first = chosen.first().map(Lang::to_string).unwrap_or_default();
                // What a file has beyond the usual is not lost.
                let more = chosen.iter().filter(|l| Lang::known().all(|k| k != **l)).cloned();
                let ticks = Lang::known().chain(more).map(|l| (chosen.contains(&l), l));
                FieldValue::Ticks {
                    all: ticks.map(|(ticked, l)| (l, ticked)).collect(),
                    first: ordered.then(|| choices(&first)),
                }
            }
        };
        Field { name: spec.key, label: spec.label, hint: spec.hint, value }
    };
    specs.iter().map(field).collect()
}

/// What can be chosen, an empty choice first. What a file has beyond it is not lost.
pub(super) fn options(chosen: &str, all: &[(String, String)]) -> Vec<Choice> {
    let known = all.iter().any(|(value, _)| value == chosen);
    let empty = Choice { value: String::new(), label: String::new(), chosen: chosen.is_empty() };
    let of = |(value, label): &(String, String)| Choice {
        chosen: value == chosen,
        value: value.clone(),
        label: label.clone(),
    };
    let more = || Choice { value: chosen.to_owned(), label: chosen.to_owned(), chosen: true };
    let more = (!known && !chosen.is_empty()).then(more);
    std::iter::once(empty).chain(all.iter().map(of)).chain(more).collect()
}

/// A day's name in a file as people read it.
pub(super) fn day_said(day: &str, ctx: &PageContext<'_>) -> String {
    match DAY_NAMES.iter().position(|known| *known == day) {
        Some(n) => ctx.weekday(&n),
        None => ctx.t("holiday-none"),
    }
}

fn choices(chosen: &str) -> Vec<(Lang, bool)> {
    Lang::known().map(|l| (l.clone(), l.as_str() == chosen)).collect()
}

/// What was typed, as values for the file; or the key of what is wrong, and of the field.
pub(super) fn typed(
    specs: &[Spec],
    form: &Form,
    before: &toml::Table,
    languages: &[Lang],
) -> Result<Values, (&'static str, &'static str)> {
    let value = |spec: &Spec| {
        let text = form.get(spec.key);
        let value = match spec.kind {
            Kind::Number(required) => match text.parse::<i64>() {
                Ok(n) => Some(Value::from(n)),
                Err(_) if text.is_empty() && !required => None,
                Err(_) => return Err(("field-number-wrong", spec.label)),
            },
            Kind::Word | Kind::Lang => (!text.is_empty()).then(|| Value::from(text)),
            Kind::Date(required) => match text.parse::<toml_edit::Datetime>() {
                Ok(date) if date.date.is_some() && date.time.is_none() => Some(Value::from(date)),
                Err(_) if text.is_empty() && !required => None,
                _ => return Err(("field-date-wrong", spec.label)),
            },
            Kind::Tick => Shown::Typed(form).is_ticked(spec.key).then(|| true.into()),
            Kind::Lesson | Kind::Day if text.is_empty() => return Err(("field-missing", spec.label)),
            Kind::Lesson | Kind::Day => Some(Value::from(text)),
            Kind::Lessons => {
                let all: Array = Shown::Typed(form).list(spec.key).into_iter().collect();
                if all.is_empty() {
                    return Err(("field-missing", spec.label));
                }
                Some(Value::Array(all))
            }
            Kind::Lines => {
                let lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
                Some(Value::Array(lines.collect::<Array>()))
            }
            Kind::Names(required) => {
                let mut names = titles(before, spec.key);
                names.0.retain(|lang, _| !languages.contains(lang));
                names.0.extend(form.titles_of(spec.key, languages).0);
                if required && names.0.is_empty() {
                    return Err(("name-missing", spec.label));
                }
                (!names.0.is_empty()).then(|| names_value(&names))
            }
            Kind::Langs(ordered) => {
                let mut all = Shown::Typed(form).langs(spec.key);
                if !ordered {
                    // As they stood; new ones behind.
                    let old = langs(before, spec.key);
                    all.sort_by_key(|l| old.iter().position(|o| o == l).unwrap_or(usize::MAX));
                }
                let all: Array = all.iter().map(Lang::as_str).collect();
                (!all.is_empty()).then_some(Value::Array(all))
            }
        };
        Ok((spec.key, value))
    };
    specs.iter().map(value).collect()
}

/// A text for each language, as a file writes it.
pub(super) fn names_value(names: &Titles) -> Value {
    let pairs = names.0.iter().map(|(lang, text)| (lang.as_str(), Value::from(text.as_str())));
    Value::InlineTable(pairs.collect::<InlineTable>())
}
