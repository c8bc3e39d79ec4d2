//! What a schedule is made from besides its programmes: series, fillers and
//! holidays; and the county's holidays.

use crate::base::LessonId;
use crate::base::entries::Entry;
use crate::people::Rights;
use crate::portal::reply::Reply;
use crate::portal::state::Portal;
use crate::portal::views::{EntryPage, Menu, PageContext, PartGroup, PartRow, PartsPage, Remark};

use super::documents::{Swap, Which};
use super::entries::{Again, not_read, not_written, shown, spec, status, typed_in};
use super::fields::{Kind, Spec, day_said, fields, titles, typed};
use super::request::{Form, OfficeRequest};
use super::sites::done;
use super::standing::titled_or;
use super::{Answer, Refusal, Visitor, html};

/// One sort of them.
#[derive(Debug)]
struct Part {
    /// Its section in the file.
    section: &'static str,
    /// Key of what all of them are called.
    title: &'static str,
    /// Key of the button that makes a new one.
    add: &'static str,
    /// The county's file has such, too.
    in_county: bool,
    /// It is called by a name of its own.
    named: bool,
    fields: &'static [Spec],
}

const PARTS: [Part; 3] = [
    Part {
        section: "series",
        title: "parts-series",
        add: "series-new",
        in_county: false,
        named: true,
        fields: &[
            spec("title", "schedule-name", "", Kind::Names(false)),
            spec("lessons", "series-lessons", "", Kind::Lessons),
            spec("begins", "series-begins", "series-begins-advice", Kind::Date(true)),
            spec("again", "series-again", "", Kind::Tick),
        ],
    },
    Part {
        section: "filler",
        title: "parts-fillers",
        add: "filler-new",
        in_county: false,
        named: false,
        fields: &[
            spec("lesson", "filler-lesson", "", Kind::Lesson),
            spec("weight", "filler-weight", "filler-weight-advice", Kind::Number(false)),
        ],
    },
    Part {
        section: "holiday",
        title: "parts-holidays",
        add: "holiday-new",
        in_county: true,
        named: false,
        fields: &[
            spec("from", "holiday-from", "", Kind::Date(true)),
            spec("to", "holiday-to", "holiday-to-advice", Kind::Date(false)),
            spec("like", "holiday-like", "holiday-like-advice", Kind::Day),
        ],
    },
];

/// Where they stand.
#[derive(Debug, Clone)]
pub(super) struct Place {
    which: Which,
    /// Their page.
    room: String,
    may_edit: bool,
}

/// Which one: its section, and its mark if it is there already.
type Named<'a> = (&'a str, Option<&'a str>);

impl Place {
    /// The county's.
    pub(super) fn county(rights: &Rights<'_>) -> Self {
        Self { which: Which::County, room: "/office/holidays".to_owned(), may_edit: rights.edit_channels() }
    }

    fn parts(&self) -> impl Iterator<Item = &'static Part> {
        let county = self.which == Which::County;
        PARTS.iter().filter(move |part| part.in_county || !county)
    }

    fn part(&self, section: &str) -> Result<&'static Part, Refusal> {
        self.parts().find(|part| part.section == section).ok_or(Refusal::Unknown)
    }
}

impl Portal {
    /// A channel's.
    pub(super) fn parts_of(&self, id: &str, rights: &Rights<'_>) -> Result<Place, Refusal> {
        let channel = self.channel_named(id)?;
        let room = format!("/office/schedule/{}/parts", channel.id);
        Ok(Place { which: Which::Schedule(channel.id), room, may_edit: rights.edit_programmes() })
    }

    /// What `rest`, the path below their page, asks for.
    pub(super) async fn parts(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (place, rest, form): (&Place, &[&str], Option<&Form>),
    ) -> Answer {
        if !place.may_edit && (form.is_some() || rest.last() == Some(&"new")) {
            return Err(Refusal::Forbidden);
        }
        match (rest, form) {
            ([], None) => self.parts_page(ctx, visitor, rights, place),
            ([section, "new"], None) => self.part_form(ctx, visitor, rights, (place, (section, None), None)),
            ([section, "new"], Some(form)) => {
                self.save_part(request, ctx, visitor, rights, (place, (section, None), form)).await
            }
            ([section, mark], None) => {
                self.part_form(ctx, visitor, rights, (place, (section, Some(mark)), None))
            }
            ([section, mark], Some(form)) => {
                self.save_part(request, ctx, visitor, rights, (place, (section, Some(mark)), form)).await
            }
            ([section, mark, "remove"], Some(_)) => {
                self.remove_part(request, ctx, visitor, rights, (place, section, mark)).await
            }
            _ => Err(Refusal::Unknown),
        }
    }

    fn parts_page(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        place: &Place,
    ) -> Answer {
        let mut groups = Vec::new();
        for part in place.parts() {
            let all = self.entries(&place.which, part.section).map_err(not_read)?;
            groups.push(PartGroup {
                title: part.title,
                rows: all.iter().map(|entry| self.part_row(ctx, place, part, entry)).collect(),
                new: place.may_edit.then(|| (format!("{}/{}/new", place.room, part.section), part.add)),
            });
        }
        let county = place.which == Which::County;
        let page = PartsPage {
            heading: ctx.t(if county { "holidays-title" } else { "parts-title" }),
            text: if county { "holidays-text" } else { "parts-text" },
            back: place.room.strip_suffix("/parts").map(str::to_owned),
            groups,
            done: done(ctx.path, visitor, &place.room),
            menu: Menu::of(rights),
        };
        Ok(html(page.render(ctx)?))
    }

    fn part_row(&self, ctx: &PageContext<'_>, place: &Place, part: &Part, entry: &Entry) -> PartRow {
        let values = entry.values();
        let value = |key: &str| values.get(key).map(said).unwrap_or_default();
        let catalogue = self.library.catalogue();
        let (names, more) = match part.section {
            "series" => {
                let count = values.get("lessons").and_then(toml::Value::as_array).map_or(0, Vec::len);
                (titled_or(&titles(&values, "title"), &value("id")), format!("{} · {count}", value("id")))
            }
            "filler" => {
                let lesson =
                    LessonId::new(&value("lesson")).ok().and_then(|id| catalogue.lesson(&id).cloned());
                let names = lesson.map(|l| l.manifest.titles.clone()).unwrap_or_default();
                let weight =
                    Some(value("weight")).filter(|w| !w.is_empty()).unwrap_or_else(|| "1".to_owned());
                (titled_or(&names, &value("lesson")), format!("× {weight}"))
            }
            _ => {
                let span = [value("from"), value("to")];
                let span: Vec<String> = span.into_iter().filter(|date| !date.is_empty()).collect();
                (titled_or(&Default::default(), &span.join(" – ")), day_said(&value("like"), ctx))
            }
        };
        PartRow { href: format!("{}/{}/{}", place.room, part.section, entry.mark()), names, more }
    }

    /// The form of one, or for a new one.
    fn part_form(
        &self,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (place, (section, mark), again): (&Place, Named<'_>, Option<Again<'_>>),
    ) -> Answer {
        let part = place.part(section)?;
        let entry = mark.map(|mark| self.part_marked(place, section, mark)).transpose()?.flatten();
        // What was typed about one that is gone is shown all the same.
        if mark.is_some() && entry.is_none() && again.is_none() {
            return Err(Refusal::Unknown);
        }
        let values = entry.as_ref().map(Entry::values).unwrap_or_default();
        let action = format!("{}/{section}/{}", place.room, mark.unwrap_or("new"));
        let id = typed_in(again).map(|form| form.get("id").to_owned()).unwrap_or_default();
        let page = EntryPage {
            heading: ctx.t(if mark.is_some() { part.title } else { part.add }),
            about: values.get("id").map(said).unwrap_or_default(),
            id: (part.named && mark.is_none()).then_some(id),
            fields: fields(part.fields, shown(again, &values), ctx, &self.lesson_choices(ctx)),
            mark: mark.unwrap_or_default().to_owned(),
            error: again.map(|a| a.error.to_owned()),
            problems: again.map(|a| a.problems.to_vec()).unwrap_or_default(),
            remove: mark.filter(|_| place.may_edit).map(|_| format!("{action}/remove")),
            may_edit: place.may_edit,
            button: if mark.is_some() { "place-save" } else { "place-add" },
            back: Some((
                place.room.clone(),
                if place.which == Which::County { "holidays-title" } else { "parts-title" },
            )),
            token: visitor.secret.form_token(),
            menu: Menu::of(rights),
            action,
            ..EntryPage::default()
        };
        Ok(html(page.render(ctx)?).with_status(status(again)))
    }

    /// What was typed takes the place of the one with this mark, or is new.
    async fn save_part(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (place, named, form): (&Place, Named<'_>, &Form),
    ) -> Answer {
        let again = |error: &str, problems: &[Remark]| {
            let again = Some(Again { form: Some(form), error, problems });
            self.part_form(ctx, visitor, rights, (place, named, again))
        };
        let (section, mark) = named;
        let part = place.part(section)?;
        let from = mark.map(|mark| self.part_marked(place, section, mark)).transpose()?.flatten();
        if mark.is_some() && from.is_none() {
            return again(&ctx.t("place-stale"), &[]);
        }
        let before = from.as_ref().map(Entry::values).unwrap_or_default();
        let mut values = match typed(part.fields, form, &before, ctx.languages) {
            Ok(values) => values,
            Err((key, field)) => return again(&format!("{}: {}", ctx.t(field), ctx.t(key)), &[]),
        };
        if part.named && mark.is_none() {
            values.insert(0, ("id", Some(form.get("id").into())));
        }
        let entry = from.clone().unwrap_or_else(|| Entry::new(section));
        let to = entry.with(section, values).map_err(|e| Refusal::Ours(e.to_string()))?;
        if from.as_ref() == Some(&to) {
            return Ok(Reply::see_other(&place.room));
        }
        match self.swap_part(request, visitor, (place, section, from, Some(to))).await? {
            Ok(reply) => Ok(reply),
            Err(error) => {
                let (error, problems) = not_written(ctx, error)?;
                again(&error, &problems)
            }
        }
    }

    /// Takes one out.
    async fn remove_part(
        &self,
        request: &OfficeRequest<'_>,
        ctx: &PageContext<'_>,
        visitor: &Visitor,
        rights: &Rights<'_>,
        (place, section, mark): (&Place, &str, &str),
    ) -> Answer {
        place.part(section)?;
        let from = self.part_marked(place, section, mark)?.ok_or(Refusal::Unknown)?;
        match self.swap_part(request, visitor, (place, section, Some(from), None)).await? {
            Ok(reply) => Ok(reply),
            // A series that programmes go on with stays.
            Err(error) => {
                let (error, problems) = not_written(ctx, error)?;
                let again = Some(Again { form: None, error: &error, problems: &problems });
                self.part_form(ctx, visitor, rights, (place, (section, Some(mark)), again))
            }
        }
    }

    async fn swap_part(
        &self,
        request: &OfficeRequest<'_>,
        visitor: &Visitor,
        (place, section, from, to): (&Place, &str, Option<Entry>, Option<Entry>),
    ) -> Result<Result<Reply, super::documents::NotWritten>, Refusal> {
        let what = if place.which == Which::County { "settings-changed" } else { "schedule-changed" };
        let swap = Swap { which: place.which.clone(), section: section.to_owned(), from, to };
        let line = request.entry(Some(&visitor.account.id), what, String::new());
        let written = self.write(swap, line).await?;
        Ok(written.map(|line| Reply::see_other(&format!("{}?done={line}", place.room))))
    }

    fn part_marked(&self, place: &Place, section: &str, mark: &str) -> Result<Option<Entry>, Refusal> {
        let all = self.entries(&place.which, section).map_err(not_read)?;
        Ok(all.into_iter().find(|entry| entry.mark() == mark))
    }
}

/// A plain value as people read it.
fn said(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
