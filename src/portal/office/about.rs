//! What is known of a lesson, as a form.

use crate::base::Titles;
use crate::config::Topic;
use crate::hls::{About, Details};
use crate::portal::views::{Choice, Field, FieldValue, PageContext};

use super::request::{Form, clean};

/// What a choice says that chooses nothing: an empty one would have to be chosen from.
const NONE: &str = "-";
/// What it says where several lessons keep what each of them has.
const AS_IS: &str = "=";
/// The fields that several lessons may have in common.
const COMMON: [&str; 5] = ["topic", "series", "speakers", "audience", "licence"];
/// Longest line, characters.
const LINE: usize = 200;
/// Longest summary, characters.
const SUMMARY: usize = 500;

/// What stands in the fields.
#[derive(Debug, Default)]
pub(super) struct Typed {
    titles: Titles,
    topic: String,
    series: String,
    part: String,
    audience: String,
    speakers: String,
    licence: String,
    summary: Titles,
}

impl Typed {
    pub(super) fn of(about: &About) -> Self {
        let d = &about.details;
        Self {
            titles: about.titles.clone(),
            topic: d.topic.clone(),
            series: d.series.clone(),
            part: d.part.map(|part| part.to_string()).unwrap_or_default(),
            audience: d.audience.clone(),
            speakers: d.speakers.clone(),
            licence: d.licence.clone(),
            summary: d.summary.clone(),
        }
    }

    pub(super) fn read(form: &Form, ctx: &PageContext<'_>) -> Self {
        let line = |name: &str| clean(form.get(name)).chars().take(LINE).collect::<String>();
        let topic = form.get("topic");
        let mut summary = Titles::default();
        for lang in ctx.languages {
            // One paragraph, as a cell of a spreadsheet holds it.
            let typed = form.get(&format!("summary.{lang}"));
            let text = typed.lines().map(clean).collect::<Vec<_>>().join(" ");
            let text: String = text.trim().chars().take(SUMMARY).collect();
            if !text.is_empty() {
                summary.0.insert(lang.clone(), text);
            }
        }
        Self {
            titles: form.titles_of("title", ctx.languages),
            topic: if topic == NONE { String::new() } else { topic.to_owned() },
            series: line("series"),
            part: form.get("part").to_owned(),
            audience: line("audience"),
            speakers: line("speakers"),
            licence: line("licence"),
            summary,
        }
    }

    /// What is known then; languages that the pages do not have keep what they say. Else the
    /// key of what is wrong.
    pub(super) fn about(
        self,
        before: &About,
        ctx: &PageContext<'_>,
        topics: &[Topic],
    ) -> Result<About, &'static str> {
        let kept = |before: &Titles, typed: Titles| {
            let mut after = before.clone();
            after.0.retain(|lang, _| !ctx.languages.contains(lang));
            after.0.extend(typed.0);
            after
        };
        let titles = kept(&before.titles, self.titles);
        if titles.0.is_empty() {
            return Err("name-missing");
        }
        let is_topic = |id: &str| topics.iter().any(|t| t.id.as_str() == id);
        // One that the county has given up stays until somebody chooses another.
        if !self.topic.is_empty() && self.topic != before.details.topic && !is_topic(&self.topic) {
            return Err("place-stale");
        }
        let part = match self.part.as_str() {
            "" => None,
            text => Some(text.parse().ok().filter(|n| *n > 0).ok_or("lesson-bad-part")?),
        };
        let details = Details {
            topic: self.topic,
            series: self.series,
            part,
            audience: self.audience,
            speakers: self.speakers,
            licence: self.licence,
            summary: kept(&before.details.summary, self.summary),
        };
        Ok(About { titles, details })
    }

    /// The fields that several lessons may have in common, of which nothing is said yet.
    pub(super) fn common(ctx: &PageContext<'_>, topics: &[Topic]) -> Vec<Field> {
        let mut fields = Self::default().fields(ctx, topics);
        fields.retain(|field| COMMON.contains(&field.name));
        for field in &mut fields {
            if let FieldValue::Select(choices) = &mut field.value {
                choices.iter_mut().for_each(|choice| choice.chosen = false);
                choices.insert(0, Choice { value: AS_IS.to_owned(), label: "–".to_owned(), chosen: true });
            }
        }
        fields
    }

    /// What is known of a lesson when what is filled in of the common fields is said of it; the
    /// key of what is wrong.
    pub(super) fn over(
        form: &Form,
        before: &About,
        ctx: &PageContext<'_>,
        topics: &[Topic],
    ) -> Result<About, &'static str> {
        let mut typed = Self::of(before);
        let said = Self::read(form, ctx);
        if !matches!(form.get("topic"), "" | AS_IS) {
            typed.topic = said.topic;
        }
        for (place, said) in [
            (&mut typed.series, said.series),
            (&mut typed.speakers, said.speakers),
            (&mut typed.audience, said.audience),
            (&mut typed.licence, said.licence),
        ] {
            if !said.is_empty() {
                *place = said;
            }
        }
        typed.about(before, ctx, topics)
    }

    pub(super) fn fields(&self, ctx: &PageContext<'_>, topics: &[Topic]) -> Vec<Field> {
        let line = |name, label, hint, value: &str, kind| Field {
            name,
            label,
            hint,
            value: FieldValue::Line { value: value.to_owned(), kind, required: false },
        };
        let choice = |value: String, label: String| Choice { chosen: value == self.topic, value, label };
        let mut choices =
            vec![Choice { chosen: self.topic.is_empty(), ..choice(NONE.into(), ctx.t("lesson-no-topic")) }];
        choices.extend(topics.iter().map(|t| choice(t.id.to_string(), ctx.plain(&t.names))));
        if !choices.iter().any(|c| c.chosen) {
            choices.push(choice(self.topic.clone(), self.topic.clone()));
        }
        let many = |name, label, value| Field { name, label, hint: "", value };
        let texts =
            ctx.languages.iter().map(|l| (l.clone(), self.summary.0.get(l).cloned().unwrap_or_default()));
        vec![
            many("title", "lesson-titles", FieldValue::names(&self.titles, ctx.languages)),
            many("topic", "lesson-topic", FieldValue::Select(choices)),
            line("series", "lesson-series", "lesson-series-hint", &self.series, "text"),
            line("part", "lesson-part", "", &self.part, "number"),
            line("speakers", "lesson-speakers", "", &self.speakers, "text"),
            line("audience", "lesson-audience", "", &self.audience, "text"),
            line("licence", "lesson-licence", "", &self.licence, "text"),
            many("summary", "lesson-summary", FieldValue::Texts(texts.collect())),
        ]
    }
}
