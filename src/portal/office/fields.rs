//! Forms for the entries of files: which fields there are, what stands in
//! them, and what was typed, as values of TOML.

use toml_edit::{Array, InlineTable, Value};

use crate::base::entries::Values;
use crate::base::{Lang, Titles};
use crate::portal::views::{Field, FieldValue, PageContext};

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
    /// A name in several languages, at least one.
    Names,
    /// One language.
    Lang,
    /// Several languages; true: the first of them counts more.
    Langs(bool),
    /// A word or a duration; nothing: the key is left out.
    Word,
    /// Several lines, each a text of its own.
    Lines,
}

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

/// The fields as the form shows them.
pub(super) fn fields(specs: &[Spec], shown: Shown<'_>, ctx: &PageContext<'_>) -> Vec<Field> {
    let field = |spec: &Spec| {
        let line = |kind, required| FieldValue::Line { value: shown.line(spec.key), kind, required };
        let value = match spec.kind {
            Kind::Number(required) => line("number", required),
            Kind::Word => line("text", false),
            Kind::Lines => FieldValue::Lines(shown.line(spec.key)),
            Kind::Names => FieldValue::names(&shown.names(spec.key, ctx.languages), ctx.languages),
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
            Kind::Lines => {
                let lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
                Some(Value::Array(lines.collect::<Array>()))
            }
            Kind::Names => {
                let mut names = titles(before, spec.key);
                names.0.retain(|lang, _| !languages.contains(lang));
                names.0.extend(form.titles_of(spec.key, languages).0);
                if names.0.is_empty() {
                    return Err(("name-missing", spec.label));
                }
                Some(names_value(&names))
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
